/**
 * The limiters by the official `@upstash/ratelimit`, whose script runs inside our batches.
 *
 * The library is given a Redis that only enqueues: counting costs no round trip of its own. When Redis does not know the
 * script, the library sends its text in a second trip, once per database. Its timeout is off, because it answers
 * "allowed" when it fires; a Redis that does not answer fails the whole batch instead. Its cache is off, since ours
 * (`limit/blocked-callers.ts`) is asked before a batch is built; analytics are off, since they are billed. It reads the system clock.
 */
import { Ratelimit } from "@upstash/ratelimit";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { limiterMax } from "../limit/limiter.ts";
import type { LimiterName, LimitVerdict, RateLimiter, WindowVerdict } from "../limit/limiter.ts";
import type { Batch, RedisArgument, RedisClient } from "./batch.ts";
import { rateLimitPrefix } from "./keys.ts";

type LibraryRedis = ConstructorParameters<typeof Ratelimit>[0]["redis"];

export function upstashRateLimiter(redis: RedisClient, clock: Clock): RateLimiter {
  return {
    async take(name, caller) {
      let verdict: Promise<LimitVerdict> | undefined;
      await redis.run((batch) => void (verdict = takeLimit({ batch, redis, clock, name, caller })));
      return (await verdict)!;
    },
  };
}

export interface TakeLimit {
  readonly batch: Batch;
  /** For the second trip when the script is unknown. */
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly name: LimiterName;
  /** From `callerBucket`. */
  readonly caller: string;
}

/** `RateLimiter.take` as part of a larger batch: one EVALSHA with two to four calls inside. Settles after the batch. */
export function takeLimit({ name, ...take }: TakeLimit): Promise<LimitVerdict> {
  const verdict = takeWindow({
    ...take,
    max: limiterMax[name],
    windowMs: limits.limiterWindowMs,
    prefix: rateLimitPrefix[name],
  }).then((counted): LimitVerdict => ({ name, ...counted }));
  // As with every command of a batch: the failure of the whole trip is thrown by `run`.
  verdict.catch(() => {});
  return verdict;
}

export interface TakeWindow extends Omit<TakeLimit, "name"> {
  /** Requests in each window. */
  readonly max: number;
  readonly windowMs: number;
  readonly prefix: string;
}

/** One request of a sliding window; costs what `takeLimit` does. */
export function takeWindow({ batch, redis, clock, caller, max, windowMs, prefix }: TakeWindow): Promise<WindowVerdict> {
  const limiter = new Ratelimit({
    redis: enqueueOnly(batch, redis) as unknown as LibraryRedis,
    limiter: Ratelimit.slidingWindow(max, `${windowMs} ms`),
    prefix,
    timeout: 0,
    ephemeralCache: false,
    analytics: false,
    enableTelemetry: false,
  });
  const verdict = limiter.limit(caller).then(({ success, limit, remaining, reset }): WindowVerdict => {
    const retryAfterMs = success ? 0 : Math.max(1, reset - clock.now());
    return { kind: success ? "allowed" : "exhausted", limit, remaining, resetAtMs: reset, retryAfterMs };
  });
  // As with every command of a batch: the failure of the whole trip is thrown by `run`.
  verdict.catch(() => {});
  return verdict;
}

/** The two calls that the library makes. It makes the first one synchronously, so it lands in the batch being built. */
function enqueueOnly(batch: Batch, redis: RedisClient) {
  return {
    evalsha: (sha1: string, keys: string[], args: RedisArgument[]) =>
      batch.add(["EVALSHA", sha1, keys.length, ...keys, ...args], readCounts, callsOf),
    async eval(text: string, keys: string[], args: RedisArgument[]) {
      let counts: Promise<[number, number]> | undefined;
      await redis.run((second) => {
        counts = second.add(["EVAL", text, keys.length, ...keys, ...args], readCounts, callsOf);
      });
      return counts;
    },
  };
}

/**
 * GET, GET, then INCRBY where the limit is not used up. The first request of a window has PEXPIRE too: it leaves one less than the limit, or less where the
 * window before it counts, so that it cannot always be told. Then it counts as one call less than it is.
 * Source: `slidingWindowLimitScript` of the library.
 */
function callsOf(reply: unknown): number {
  if (!Array.isArray(reply) || reply[0] === -1) return 2;
  return Number(reply[0]) === Number(reply[1]) - 1 ? 4 : 3;
}

function readCounts(reply: unknown): [number, number] {
  if (Array.isArray(reply) && typeof reply[0] === "number" && typeof reply[1] === "number") return [reply[0], reply[1]];
  throw new AppError("internal", "The rate limiter's script answered something other than two numbers");
}
