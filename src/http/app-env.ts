import type { Log } from "../core/ports.ts";
import type { Claim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import type { Wire } from "../wire.ts";

/** What every route and middleware finds in its Hono context. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    wire: Wire;
    requestId: string;
    /** Adds the request id to each entry. */
    log: Log;
    /** What the request presents, judged without storage; set by `readClaim`. */
    claim: Claim;
    /** Set once the storage has confirmed it; see `requireIdentity`. */
    identity?: Identity;
  };
}
