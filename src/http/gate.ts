/**
 * The gate that API requests pass: does what they present still hold, and is the limit kept? Both asked in one round trip. It stands at
 * the edge because only the edge knows both rooms.
 */
import type { LimiterName, LimitVerdict } from "../limit/limiter.ts";
import type { Claim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";

export interface Passage {
  readonly claim: Claim;
  readonly limiter: LimiterName;
  /** From `callerBucket`. */
  readonly caller: string;
}

export interface Gate {
  /**
   * Counts the request. `identity` is `undefined` when nothing was proven, when it was ended or never there, and where the limit is used up. `limit` is `undefined` where it
   * could not be asked, and the limiter lets through then; see `onFailure`.
   */
  pass(passage: Passage): Promise<{ identity: Identity | undefined; limit: LimitVerdict | undefined }>;
}
