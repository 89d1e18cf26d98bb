/**
 * How many model tokens a user may spend in a day of UTC: what their turns and their agents' runs have used, in and out, as the provider tells it or as
 * it is estimated.
 *
 * A budget is asked before a model is, and told afterwards: the call that crosses the line is made whole, and so are those that run beside it.
 */
import { AppError } from "../core/errors.ts";

export interface TokenBudget {
  readonly tokensPerDay: number;
  /** What was spent today. 1 billed command. */
  spent(userId: string): Promise<number>;
  /** Adds to today, and answers what was spent then. Not idempotent. 2 billed commands in one round trip. */
  book(userId: string, tokens: number): Promise<number>;
}

/** What a turn may use. */
export interface Allowance {
  /** The narrowest of the limits that hold. */
  readonly tokensPerDay: number;
  /** May be negative. */
  readonly left: number;
  /** The day on which something is booked already. */
  readonly begunDay: string | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;

/** As `2026-11-25`. */
export function dayOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}

/** @param keyTokensPerDay of the key that was presented, where it has a budget of its own. */
export function allowanceOf(o: {
  readonly spent: number;
  readonly tokensPerDay: number;
  readonly keyTokensPerDay: number | undefined;
  readonly nowMs: number;
}): Allowance {
  const tokensPerDay = Math.min(o.tokensPerDay, o.keyTokensPerDay ?? Infinity);
  return { tokensPerDay, left: tokensPerDay - o.spent, begunDay: o.spent > 0 ? dayOf(o.nowMs) : undefined };
}

/** `rate_limited` (refuse), in words, with the time to wait. */
export function budgetSpent({ tokensPerDay }: Pick<Allowance, "tokensPerDay">, nowMs: number): AppError {
  const resetAtMs = (Math.floor(nowMs / dayMs) + 1) * dayMs;
  const words = `The ${tokensPerDay} model tokens of this day are used up; a new day begins at ${new Date(resetAtMs).toISOString()}.`;
  return new AppError("rate_limited", words, { retryAfterMs: resetAtMs - nowMs });
}
