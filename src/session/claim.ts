/** What a request presents, as far as it can be judged without storage. Whether it still holds is the storage's word. */
import type { KeyRef } from "./api-key.ts";
import type { Identity } from "./identity.ts";
import type { SessionRef } from "./session.ts";
import type { TicketRef } from "./tickets.ts";

export type Claim = NoClaim | ProvenClaim;

/** `forged` covers everything that we did not sign or cannot read. */
export interface NoClaim {
  readonly kind: "none" | "forged" | "expired";
}

export type ProvenClaim = SessionClaim | VouchedClaim | KeyClaim | TicketClaim;

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

export interface KeyClaim {
  readonly kind: "key";
  /** In whose name the key is used. */
  readonly userId: string;
  readonly ref: KeyRef;
}

export interface TicketClaim {
  readonly kind: "ticket";
  readonly userId: string;
  readonly ref: TicketRef;
  /** What is asked for; the ticket must be for it. */
  readonly path: string;
}

/** The hash of the secret that the storage is asked for; `undefined` where it is asked for none. */
export function credentialOf(claim: Claim): string | undefined {
  return "ref" in claim ? claim.ref.secretHash : undefined;
}

export function isProven(claim: Claim): claim is ProvenClaim {
  return "userId" in claim;
}
