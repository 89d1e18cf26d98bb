/** What a request presents, as far as it can be judged without storage. Whether it still holds is the storage's word. */
import type { Identity } from "./identity.ts";
import type { SessionRef } from "./session.ts";

export type Claim = NoClaim | ProvenClaim;

/** `forged` covers everything that we did not sign or cannot read. */
export interface NoClaim {
  readonly kind: "none" | "forged" | "expired";
}

export type ProvenClaim = SessionClaim | VouchedClaim;

export interface SessionClaim {
  readonly kind: "session";
  readonly userId: string;
  readonly ref: SessionRef;
  readonly expiresAtMs: number;
  /** Needed to sign the same session again with a later expiry. */
  readonly sessionSecret: string;
  /** Whether it is time to start the session's time anew. */
  readonly isRenewalDue: boolean;
}

/** What somebody else has signed for: nothing of ours has to confirm it. */
export interface VouchedClaim {
  readonly kind: "vouched";
  readonly userId: string;
  readonly identity: Identity;
}

export function isProven(claim: Claim): claim is ProvenClaim {
  return "userId" in claim;
}
