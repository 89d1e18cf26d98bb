/** One suite for the guard of tools in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import type { BreakerState, EntryAnswer, GuardedCall, ToolGuard } from "../../src/tool/tool-guard.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { toolBreakerKey, toolSlotsKey } from "../../src/upstash/keys.ts";
import { upstashToolGuard } from "../../src/upstash/tool-guard.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryToolGuard } from "../fakes/memory-tool-guard.ts";

let stack: RunningStack;
let redis: RedisClient;
beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
});
afterAll(() => stack.close());

type Clock = ReturnType<typeof manualClock>;

const subjects: [string, (clock: Clock) => ToolGuard][] = [
  ["in Redis", (clock) => upstashToolGuard(redis, clock)],
  ["in memory", memoryToolGuard],
];

const closed: BreakerState = { failures: 0, isTrial: false };
const fresh = (): string => crypto.randomUUID().replaceAll("-", "");

/** Calls of one tool, each with an id of its own. */
function calls(contract: Partial<GuardedCall>) {
  const base = { userId: `usr_${fresh()}`, tool: "probe", leaseMs: 5_000 };
  return (over: Partial<GuardedCall> = {}): GuardedCall => ({
    ...base,
    callId: fresh(),
    rate: undefined,
    concurrency: undefined,
    breaker: undefined,
    ...contract,
    ...over,
  });
}

async function entered(answer: Promise<EntryAnswer>): Promise<BreakerState> {
  const given = await answer;
  if (given.kind !== "entered") throw new Error(`expected to enter, refused because of the ${given.because}`);
  return given.breaker;
}

describe.each(subjects)("a tool guard %s", (_name, open) => {
  it("counts a rate per user and tool", async () => {
    // The limiter in Redis goes by the machine's clock: a window of an hour does not turn over meanwhile.
    const guard = open(manualClock(Date.now()));
    const call = calls({ rate: { calls: 2, windowMs: 3_600_000 } });
    await entered(guard.enter(call()));
    await entered(guard.enter(call()));
    const refused = await guard.enter(call());
    expect(refused).toMatchObject({ kind: "refused", because: "rate" });
    await entered(guard.enter(call({ tool: "other" })));
    await entered(guard.enter(call({ userId: `usr_${fresh()}` })));
  });

  it("holds so many calls at once, and lets the next in when one leaves", async () => {
    const guard = open(manualClock());
    const call = calls({ concurrency: 2 });
    const first = call();
    await entered(guard.enter(first));
    await entered(guard.enter(call()));
    expect(await guard.enter(call())).toMatchObject({ kind: "refused", because: "concurrency" });
    await guard.leave(first, closed, "worked");
    await entered(guard.enter(call()));
    expect(await guard.enter(call())).toMatchObject({ kind: "refused" });
  });

  it("counts a call that never left as dead after its lease", async () => {
    const clock = manualClock();
    const guard = open(clock);
    const call = calls({ concurrency: 1 });
    await entered(guard.enter(call()));
    await clock.advance(4_999);
    expect(await guard.enter(call())).toMatchObject({ kind: "refused" });
    await clock.advance(1);
    await entered(guard.enter(call()));
  });

  it("takes no place for a call that it refuses for another reason", async () => {
    const clock = manualClock(Date.now());
    const guard = open(clock);
    const call = calls({ rate: { calls: 1, windowMs: 3_600_000 }, concurrency: 2 });
    await entered(guard.enter(call()));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await guard.enter(call())).toMatchObject({ because: "rate" });
    }
    const unlimited = calls({ concurrency: 2 });
    await entered(guard.enter(unlimited({ userId: call().userId })));
  });

  it("opens a breaker after failures in a row, for everybody, and says for how long", async () => {
    const clock = manualClock();
    const guard = open(clock);
    const breaker = { name: fresh(), failures: 3, openMs: 10_000 };
    const call = calls({ breaker });
    for (let failures = 0; failures < 3; failures += 1) {
      const seen = await entered(guard.enter(call()));
      expect(seen).toEqual({ failures, isTrial: false });
      await guard.leave(call(), seen, "failed");
    }
    await clock.advance(4_000);
    const other = calls({ breaker, tool: "other" });
    expect(await guard.enter(other())).toEqual({ kind: "refused", because: "breaker", retryAfterMs: 6_000 });
  });

  it("opens a breaker of one user's own for nobody else", async () => {
    const guard = open(manualClock());
    const breaker = { name: fresh(), failures: 1, openMs: 10_000, isPerUser: true } as const;
    const call = calls({ breaker });
    await guard.leave(call(), await entered(guard.enter(call())), "failed");
    expect(await guard.enter(call())).toMatchObject({ because: "breaker" });
    const others = calls({ breaker });
    expect(await entered(guard.enter(others()))).toEqual(closed);
  });

  it("forgets failures at a success", async () => {
    const guard = open(manualClock());
    const call = calls({ breaker: { name: fresh(), failures: 2, openMs: 10_000 } });
    await guard.leave(call(), await entered(guard.enter(call())), "failed");
    await guard.leave(call(), await entered(guard.enter(call())), "worked");
    await guard.leave(call(), await entered(guard.enter(call())), "failed");
    expect(await entered(guard.enter(call()))).toEqual({ failures: 1, isTrial: false });
  });

  it("changes nothing for a call that was stopped", async () => {
    const guard = open(manualClock());
    const call = calls({ breaker: { name: fresh(), failures: 1, openMs: 10_000 } });
    await guard.leave(call(), await entered(guard.enter(call())), "undecided");
    expect(await entered(guard.enter(call()))).toEqual(closed);
  });

  it("lets one of two try when an open breaker's time is over", async () => {
    const clock = manualClock();
    const guard = open(clock);
    const call = calls({ breaker: { name: fresh(), failures: 1, openMs: 10_000 } });
    await guard.leave(call(), await entered(guard.enter(call())), "failed");
    await clock.advance(10_000);
    const answers = await Promise.all([guard.enter(call()), guard.enter(call())]);
    expect(answers.filter(({ kind }) => kind === "entered")).toEqual([
      { kind: "entered", breaker: { failures: 1, isTrial: true } },
    ]);
  });

  it("closes after a trial that works, and opens anew after one that fails or never ends", async () => {
    const clock = manualClock();
    const guard = open(clock);
    const call = calls({ breaker: { name: fresh(), failures: 1, openMs: 10_000 } });
    await guard.leave(call(), await entered(guard.enter(call())), "failed");
    await clock.advance(10_000);
    await guard.leave(call(), await entered(guard.enter(call())), "failed");
    expect(await guard.enter(call())).toMatchObject({ because: "breaker", retryAfterMs: 10_000 });

    await clock.advance(10_000);
    expect(await entered(guard.enter(call()))).toMatchObject({ isTrial: true });
    expect(await guard.enter(call())).toMatchObject({ because: "breaker", retryAfterMs: 5_000 });
    await clock.advance(5_000);
    const trial = await entered(guard.enter(call()));
    expect(trial).toMatchObject({ isTrial: true });
    await guard.leave(call(), trial, "worked");
    expect(await entered(guard.enter(call()))).toEqual(closed);
  });

  it("gives a place back that the breaker's refusal leaves unused", async () => {
    const guard = open(manualClock());
    const name = fresh();
    const call = calls({ breaker: { name, failures: 1, openMs: 10_000 }, concurrency: 1 });
    await guard.leave(call(), await entered(guard.enter(calls({ breaker: call().breaker })())), "failed");
    expect(await guard.enter(call())).toMatchObject({ because: "breaker" });
    await entered(guard.enter(call({ breaker: undefined })));
  });
});

describe("the guard in Redis", () => {
  it("costs what it says, and everything that it keeps expires", async () => {
    const guard = upstashToolGuard(redis, manualClock(Date.now()));
    const breaker = { name: fresh(), failures: 1, openMs: 10_000 };
    const rate = { calls: 100, windowMs: 3_600_000 };
    // The first run of each script sends its text.
    const warm = calls({ rate, concurrency: 5, breaker: { ...breaker, name: fresh() } })();
    await guard.leave(warm, await entered(guard.enter(warm)), "failed");

    const onlyBreaker = calls({ breaker })();
    expect(await billed(() => guard.enter(onlyBreaker))).toEqual({ commands: 1, roundTrips: 1 });
    expect(await billed(() => guard.leave(onlyBreaker, closed, "worked"))).toEqual({ commands: 0, roundTrips: 0 });
    const onlySlots = calls({ concurrency: 5 })();
    expect(await billed(() => guard.enter(onlySlots))).toEqual({ commands: 5, roundTrips: 1 });
    expect(await billed(() => guard.leave(onlySlots, closed, "worked"))).toEqual({ commands: 1, roundTrips: 1 });
    const onlyRate = calls({ rate })();
    const { commands, roundTrips } = await billed(() => guard.enter(onlyRate));
    expect(commands).toBeLessThanOrEqual(5);
    expect(roundTrips).toBe(1);
    const all = calls({ rate, concurrency: 5, breaker })();
    expect(await billed(() => guard.enter(all))).toMatchObject({ roundTrips: 1 });
    expect(await billed(() => guard.leave(onlyBreaker, closed, "failed"))).toEqual({ commands: 4, roundTrips: 1 });

    for (const key of [toolBreakerKey(breaker.name), toolSlotsKey(all.userId, all.tool)]) {
      expect(await redis.command(["PTTL", key], Number)).toBeGreaterThan(0);
    }
  });
});

async function billed(call: () => Promise<unknown>) {
  stack.ledger.reset();
  await call();
  const { commands, roundTrips } = stack.ledger.read();
  return { commands, roundTrips };
}
