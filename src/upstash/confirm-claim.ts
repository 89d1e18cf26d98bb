import type { Claim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import type { Batch } from "./batch.ts";
import { sessionPart } from "./session-store.ts";

/** Asks the storage whether a claim still holds, as part of a larger batch: one command at most, two once an hour. Settles after the batch. */
export async function confirmClaim(batch: Batch, claim: Claim): Promise<Identity | undefined> {
  switch (claim.kind) {
    case "session":
      return sessionPart(batch, claim.ref, claim.isRenewalDue);
    case "vouched":
      return claim.identity;
    case "none":
    case "forged":
    case "expired":
      return undefined;
  }
}
