import type { ConversationRef } from "../event/event-log.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import type { ConversationMemory } from "../memory/summary.ts";
import type { ProvenClaim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";

/** What a chat turn must know before the model is called. */
export interface Admitted {
  /** `undefined` when it was ended or never there. */
  readonly identity: Identity | undefined;
  readonly limit: LimitVerdict;
  readonly memory: ConversationMemory;
  /** Model tokens that the user has spent today; absent where nobody counts them. */
  readonly tokensSpent: number | undefined;
}

/** Identity, limit and history of one conversation, asked in one round trip. Counts one chat turn. Cost: at most 7 billed commands, and 1 where tokens are counted. */
export interface Admission {
  admit(passage: {
    readonly claim: ProvenClaim;
    readonly caller: string;
    readonly ref: ConversationRef;
  }): Promise<Admitted>;
}
