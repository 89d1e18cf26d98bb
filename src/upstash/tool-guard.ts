/** The guard of tools in Redis: a rate by the official limiter, calls under way in a sorted set, a breaker in a hash. */
import { invariant, type Clock } from "../core/ports.ts";
import type { WindowVerdict } from "../limit/limiter.ts";
import type { BreakerRule } from "../tool/tool.ts";
import type { BreakerState, EntryAnswer, GuardedCall, ToolGuard } from "../tool/tool-guard.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { toolBreakerKey, toolRatePrefix, toolSlotsKey } from "./keys.ts";
import { takeWindow } from "./rate-limiter.ts";
import { readInteger, readNothing } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { defineScript } from "./script.ts";

/** KEYS: slots. ARGV: now, when the call counts as dead, lease in ms, call id, slots. Answers 1 for a slot, 0 for none. */
const takeSlotScript = defineScript(
  `#!lua flags=allow-key-locking
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`,
  { calls: (reply) => (reply === 0 ? 2 : 4) },
);

/** KEYS: breaker. ARGV: the end of its time as the caller saw it, the end of the trial. Answers 1 to the one that may try. */
const tryScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('HGET', KEYS[1], 'openUntil') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'openUntil', ARGV[2])
return 1
`,
  { calls: (reply) => (reply === 0 ? 1 : 2) },
);

/** KEYS: breaker. ARGV: failures that open it, until when, its life in ms, 1 when the trial failed. Answers the number of calls made. */
const failScript = defineScript(
  `#!lua flags=allow-key-locking
local calls = 2
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if ARGV[4] == '1' or failures >= tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'openUntil', ARGV[2])
  calls = 3
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return calls
`,
  { calls: Number },
);

/** A caller that finds no slot does well to ask again after this. */
const slotRetryMs = 1_000;
/** Failures that far apart are not in a row. */
const breakerMemoryMs = 60 * 60 * 1000;

interface Breaker {
  readonly failures: number;
  /** Unix ms; `undefined` while it has not opened. */
  readonly openUntilMs: number | undefined;
}

const noFailures: BreakerState = { failures: 0, isTrial: false };

export function upstashToolGuard(redis: RedisClient, clock: Clock): ToolGuard {
  async function ask(call: GuardedCall) {
    let slot: Promise<number> | undefined;
    let rate: Promise<WindowVerdict> | undefined;
    let breaker: Promise<Breaker> | undefined;
    await redis.run((batch) => {
      if (call.breaker !== undefined)
        breaker = batch.add(["HMGET", breakerKeyOf(call, call.breaker), "failures", "openUntil"], readBreaker);
      if (call.rate !== undefined) rate = takeRate(batch, call);
      if (call.concurrency !== undefined) slot = takeSlot(batch, call, clock.now());
    });
    return { breaker: await breaker, rate: await rate, hasSlot: (await slot) !== 0 };
  }

  function takeRate(batch: Batch, { userId, tool, rate }: GuardedCall): Promise<WindowVerdict> {
    invariant(rate !== undefined, "only a declared rate is counted");
    const window = { max: rate.calls, windowMs: rate.windowMs, prefix: toolRatePrefix(tool) };
    return takeWindow({ batch, redis, clock, caller: `{${userId}}`, ...window });
  }

  async function askBreaker(call: GuardedCall, breaker: Breaker | undefined): Promise<BreakerState | number> {
    if (breaker === undefined || call.breaker === undefined) return noFailures;
    const { failures, openUntilMs } = breaker;
    if (openUntilMs === undefined) return { failures, isTrial: false };
    const leftMs = openUntilMs - clock.now();
    if (leftMs > 0) return leftMs;
    const isTrial = await runOne(redis, (batch) =>
      tryScript.evalsha(
        batch,
        [breakerKeyOf(call, call.breaker!)],
        [openUntilMs, clock.now() + call.leaseMs],
        readInteger,
      ),
    );
    return isTrial === 1 ? { failures, isTrial: true } : call.leaseMs;
  }

  async function giveBackSlot(call: GuardedCall): Promise<void> {
    if (call.concurrency === undefined) return;
    await redis.command(["ZREM", toolSlotsKey(call.userId, call.tool), call.callId], readInteger);
  }

  return {
    async enter(call) {
      const { breaker, rate, hasSlot } = await ask(call);
      const refusal = rateRefusal(rate) ?? (hasSlot ? undefined : refused("concurrency", slotRetryMs));
      // The breaker last: who is refused otherwise must not be the one that tries.
      const state = refusal === undefined ? await askBreaker(call, breaker) : noFailures;
      if (refusal === undefined && typeof state !== "number") return { kind: "entered", breaker: state };
      if (hasSlot) await giveBackSlot(call);
      return refusal ?? refused("breaker", Number(state));
    },

    async leave(call, seen, outcome) {
      const { breaker } = call;
      const isMended = outcome === "worked" && (seen.failures > 0 || seen.isTrial);
      const isFailed = outcome === "failed";
      await redis.run((batch) => {
        if (call.concurrency !== undefined)
          void batch.add(["ZREM", toolSlotsKey(call.userId, call.tool), call.callId], readNothing);
        if (breaker === undefined) return;
        const key = breakerKeyOf(call, breaker);
        if (isMended) void batch.add(["DEL", key], readNothing);
        if (isFailed) {
          const openUntilMs = clock.now() + breaker.openMs;
          const args = [breaker.failures, openUntilMs, breaker.openMs + breakerMemoryMs, seen.isTrial ? 1 : 0];
          void failScript.evalsha(batch, [key], args, readInteger);
        }
      });
    },
  };
}

function breakerKeyOf({ userId }: GuardedCall, { name, isPerUser }: BreakerRule): string {
  return toolBreakerKey(name, isPerUser === true ? userId : undefined);
}

function takeSlot(batch: Batch, call: GuardedCall, nowMs: number): Promise<number> {
  const args = [nowMs, nowMs + call.leaseMs, call.leaseMs, call.callId, call.concurrency ?? 0];
  return takeSlotScript.evalsha(batch, [toolSlotsKey(call.userId, call.tool)], args, readInteger);
}

function rateRefusal(verdict: WindowVerdict | undefined): EntryAnswer | undefined {
  return verdict?.kind === "exhausted" ? refused("rate", verdict.retryAfterMs) : undefined;
}

function refused(because: "rate" | "concurrency" | "breaker", retryAfterMs: number): EntryAnswer {
  return { kind: "refused", because, retryAfterMs };
}

/** The two fields of the hash, each possibly absent. */
function readBreaker(reply: unknown): Breaker {
  const [failures, openUntil] = Array.isArray(reply) ? (reply as unknown[]) : [];
  return {
    failures: Number(failures ?? 0),
    openUntilMs: openUntil === null || openUntil === undefined ? undefined : Number(openUntil),
  };
}
