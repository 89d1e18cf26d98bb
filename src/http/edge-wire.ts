/**
 * What the middleware and the routes of sessions, tools and operations need from the wire. Each names its own part, so
 * that a test passes a few fakes and no more.
 */
import type { Meter } from "../core/meter.ts";
import type { Tally } from "../core/tally.ts";
import type { Clock } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { EndedCredentials } from "../limit/ended-credentials.ts";
import type { ApiKeys } from "../session/api-keys.ts";
import type { Claim } from "../session/claim.ts";
import type { Presented } from "../session/claims.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Tickets } from "../session/tickets.ts";
import type { Gate } from "./gate.ts";

export interface EdgeWire {
  /** What the request has cost so far. */
  readonly meter: Meter;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly keys: ApiKeys;
  readonly tickets: Tickets;
  /** What a request presents, judged without storage. @throws identity_provider_unavailable (retry) */
  readonly readClaim: (presented: Presented) => Promise<Claim>;
  readonly gate: Gate;
  readonly ended: EndedCredentials;
  /** One round trip to the storage; throws when it does not answer. */
  readonly pingStorage: () => Promise<void>;
  /** Whether the queue signed a delivery. */
  readonly verifyDelivery: (delivery: {
    readonly signature: string | undefined;
    readonly body: string;
    readonly url: string;
  }) => Promise<boolean>;
  /** Opens the operators' routes, and proves our own calls. */
  readonly internalKey: Secret;
  /** Adds what the isolate has counted to the sums over all isolates; absent where there are none. */
  readonly sendTally?: (tally: Tally) => Promise<void>;
  readonly queueName: "qstash" | "fetch";
  /** The public base URL, from whose pages requests may come. */
  readonly appUrl: string;
}
