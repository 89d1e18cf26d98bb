import type { Claim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import { keyPart } from "./api-key-store.ts";
import type { Batch } from "./batch.ts";
import { sessionPart } from "./session-store.ts";
import { ticketPart } from "./ticket-store.ts";

/**
 * Asks the storage whether a claim still holds, as part of a larger batch: one command at most, two once an hour. Settles after the batch. Hands on
 * the very promise of the batch: one that is derived from it would reject unheard when the trip fails.
 */
export function confirmClaim(batch: Batch, claim: Claim, nowMs: number): Promise<Identity | undefined> {
  const identity = lookUp(batch, claim, nowMs);
  // As with every command of a batch: the failure of the whole trip is thrown by `run`.
  identity.catch(() => {});
  return identity;
}

function lookUp(batch: Batch, claim: Claim, nowMs: number): Promise<Identity | undefined> {
  switch (claim.kind) {
    case "session":
      return sessionPart(batch, claim.ref, claim.isRenewalDue ? nowMs : undefined);
    case "key":
      return keyPart(batch, claim, nowMs);
    case "ticket":
      return ticketPart(batch, claim);
    case "vouched":
      return Promise.resolve(claim.identity);
    case "none":
    case "forged":
    case "expired":
      return Promise.resolve(undefined);
  }
}
