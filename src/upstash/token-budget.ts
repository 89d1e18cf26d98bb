/** Token budgets over Redis: one number per user and day, which expires when nobody asks for that day any more. */
import type { Clock } from "../core/ports.ts";
import { dayOf, type TokenBudget } from "../limit/token-budget.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { tokensSpentKey } from "./keys.ts";
import { readInteger, readText } from "./reply.ts";
import { runOne } from "./run-one.ts";

const ttlSeconds = 2 * 24 * 60 * 60;

export function upstashTokenBudget(redis: RedisClient, clock: Clock, tokensPerDay: number): TokenBudget {
  return {
    tokensPerDay,
    spent: (userId) => runOne(redis, (batch) => spentPart(batch, userId, clock.now())),
    book: (userId, tokens) => runOne(redis, (batch) => addBooking(batch, { userId, tokens, nowMs: clock.now() })),
  };
}

/** `TokenBudget.spent` as part of a larger batch. */
export function spentPart(batch: Batch, userId: string, nowMs: number): Promise<number> {
  return batch.add(["GET", tokensSpentKey(userId, dayOf(nowMs))], (reply) => Number(readText(reply) ?? 0));
}

/** `TokenBudget.book` as part of a larger batch; 1 billed command where something is booked on `begunDay` and that is today, else 2. */
export function addBooking(
  batch: Batch,
  o: {
    readonly userId: string;
    readonly tokens: number;
    readonly nowMs: number;
    readonly begunDay?: string | undefined;
  },
): Promise<number> {
  const day = dayOf(o.nowMs);
  const key = tokensSpentKey(o.userId, day);
  const total = batch.add(["INCRBY", key, o.tokens], readInteger);
  if (o.begunDay !== day) void batch.add(["EXPIRE", key, ttlSeconds], readInteger);
  return total;
}
