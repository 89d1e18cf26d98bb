/**
 * The gate that API requests pass: is the session alive, and is the limit kept? Both asked in one round trip. It stands at
 * the edge because only the edge knows both rooms.
 */
import type { LimiterName, LimitVerdict } from "../limit/limiter.ts";
import type { SessionRecord, SessionRef } from "../session/session.ts";

export interface Passage {
  /** The signed session to look up; `undefined` for a caller without one. */
  readonly session: SessionRef | undefined;
  readonly limiter: LimiterName;
  /** From `callerBucket`. */
  readonly caller: string;
}

export interface Gate {
  /** Counts the request and starts the session's time anew. `session` is `undefined` when it was ended or never there. */
  pass(passage: Passage): Promise<{ session: SessionRecord | undefined; limit: LimitVerdict }>;
}
