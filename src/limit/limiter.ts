/**
 * How much you may: three sliding windows, counted per caller.
 *
 * A used-up limit is an expected answer and returned; only the edge turns it into a failure.
 */
import { limits } from "../core/limits.ts";

export type LimiterName = "api" | "chat" | "agent-creation";

/** What each limiter allows within `limits.limiterWindowMs`. */
export const limiterMax: Record<LimiterName, number> = {
  api: limits.apiRequestsPerWindow,
  chat: limits.chatTurnsPerWindow,
  "agent-creation": limits.agentCreationsPerWindow,
};

/**
 * What happens to a request that cannot be counted because the storage does not answer. What costs money waits; the rest passes, and fails where it needs the
 * storage itself, as nearly everything does.
 */
export const onFailure: Record<LimiterName, "open" | "closed"> = {
  api: "open",
  chat: "closed",
  "agent-creation": "closed",
};

export interface LimitVerdict extends WindowVerdict {
  readonly name: LimiterName;
}

export interface WindowVerdict {
  readonly kind: "allowed" | "exhausted";
  /** Requests per window. */
  readonly limit: number;
  readonly remaining: number;
  /** When the current window ends; unix milliseconds. */
  readonly resetAtMs: number;
  /** How long to wait before asking again; 0 when allowed. */
  readonly retryAfterMs: number;
}

export interface RateLimiter {
  /** Counts one request of `caller` (see `callerBucket`), unless the limit is used up. Not idempotent. */
  take(name: LimiterName, caller: string): Promise<LimitVerdict>;
}
