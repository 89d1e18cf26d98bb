import type { Clock } from "../../src/core/ports.ts";
import type { EntryAnswer, GuardedCall, ToolGuard } from "../../src/tool/tool-guard.ts";

/** The guard in memory; held to the same cases as the real adapter by `test/contract/tool-guard.test.ts`. */
export function memoryToolGuard(clock: Clock): ToolGuard & { calls: string[] } {
  const breakers = new Map<string, { failures: number; openUntilMs: number | undefined }>();
  const slots = new Map<string, Map<string, number>>();
  const counts = new Map<string, number>();
  const calls: string[] = [];

  function takeRate({ userId, tool, rate }: GuardedCall): EntryAnswer | undefined {
    if (rate === undefined) return undefined;
    const now = clock.now();
    const window = Math.floor(now / rate.windowMs);
    const key = (index: number): string => `${userId} ${tool} ${index}`;
    const left = 1 - (now % rate.windowMs) / rate.windowMs;
    const count = counts.get(key(window)) ?? 0;
    const before = Math.floor(left * (counts.get(key(window - 1)) ?? 0));
    if (count + before >= rate.calls) return refused("rate", (window + 1) * rate.windowMs - now);
    counts.set(key(window), count + 1);
    return undefined;
  }

  function takeSlot({ userId, tool, concurrency, callId, leaseMs }: GuardedCall): EntryAnswer | undefined {
    if (concurrency === undefined) return undefined;
    const now = clock.now();
    const taken = new Map([...slotsOf(userId, tool)].filter(([, untilMs]) => untilMs > now));
    const isFull = taken.size >= concurrency;
    if (!isFull) taken.set(callId, now + leaseMs);
    slots.set(`${userId} ${tool}`, taken);
    return isFull ? refused("concurrency", 1_000) : undefined;
  }
  const slotsOf = (userId: string, tool: string) => slots.get(`${userId} ${tool}`) ?? new Map<string, number>();

  function askBreaker(call: GuardedCall): EntryAnswer {
    const breaker = breakers.get(breakerOf(call));
    const failures = breaker?.failures ?? 0;
    if (breaker?.openUntilMs === undefined) return { kind: "entered", breaker: { failures, isTrial: false } };
    const leftMs = breaker.openUntilMs - clock.now();
    if (leftMs > 0) return refused("breaker", leftMs);
    breaker.openUntilMs = clock.now() + call.leaseMs;
    return { kind: "entered", breaker: { failures, isTrial: true } };
  }

  return {
    calls,
    async enter(call) {
      calls.push(`enter ${call.tool}`);
      const rate = takeRate(call);
      const slot = takeSlot(call);
      const answer = rate ?? slot ?? askBreaker(call);
      if (answer.kind === "refused" && slot === undefined) slotsOf(call.userId, call.tool).delete(call.callId);
      return answer;
    },
    async leave(call, seen, outcome) {
      calls.push(`leave ${call.tool} ${outcome}`);
      slotsOf(call.userId, call.tool).delete(call.callId);
      if (call.breaker === undefined) return;
      const { failures, openMs } = call.breaker;
      const name = breakerOf(call);
      if (outcome === "worked" && (seen.failures > 0 || seen.isTrial)) breakers.delete(name);
      if (outcome !== "failed") return;
      const breaker = breakers.get(name) ?? { failures: 0, openUntilMs: undefined };
      breaker.failures += 1;
      if (seen.isTrial || breaker.failures >= failures) breaker.openUntilMs = clock.now() + openMs;
      breakers.set(name, breaker);
    },
  };
}

function breakerOf({ userId, breaker }: GuardedCall): string {
  return breaker?.isPerUser === true ? `${userId} ${breaker.name}` : (breaker?.name ?? "");
}

function refused(because: "rate" | "concurrency" | "breaker", retryAfterMs: number): EntryAnswer & { kind: "refused" } {
  return { kind: "refused", because, retryAfterMs };
}
