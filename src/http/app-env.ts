import type { Log } from "../core/ports.ts";
import type { SessionClaim } from "../session/session-token.ts";
import type { Identity } from "../session/session.ts";
import type { Wire } from "../wire.ts";

/** What every route and middleware finds in its Hono context. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    wire: Wire;
    requestId: string;
    /** Adds the request id to each entry. */
    log: Log;
    /** What the session cookie says by its signature alone; set by `sessionClaim`. */
    claim: SessionClaim;
    /** Set once the session itself was found alive; see `requireIdentity`. */
    identity?: Identity;
  };
}
