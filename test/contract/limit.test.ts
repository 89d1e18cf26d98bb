/** One suite for the limiter in Redis and its fake, and the gate that asks limiter and session in one trip. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import { createBlockedCallers } from "../../src/limit/blocked-callers.ts";
import type { RateLimiter } from "../../src/limit/limiter.ts";
import { systemClock } from "../../src/system/clock.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { upstashGate } from "../../src/upstash/gate.ts";
import { upstashRateLimiter } from "../../src/upstash/rate-limiter.ts";
import { upstashSessionStore } from "../../src/upstash/session-store.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryRateLimiter } from "../fakes/memory-rate-limiter.ts";

let stack: RunningStack;
let redis: RedisClient;

beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
});
afterAll(async () => {
  await stack.close();
});

function freshCaller(): string {
  return `{${crypto.randomUUID()}}`;
}

const limiters: [string, () => RateLimiter][] = [
  ["in Redis", () => upstashRateLimiter(redis, systemClock)],
  ["in memory", () => memoryRateLimiter(systemClock)],
];

describe.each(limiters)("a limiter %s", (_name, open) => {
  it("allows as many requests as the limit says, then none, and says when to come back", async () => {
    const limiter = open();
    const caller = freshCaller();
    const kinds: string[] = [];
    for (let count = 0; count < limits.agentCreationsPerWindow; count += 1) {
      kinds.push((await limiter.take("agent-creation", caller)).kind);
    }
    expect(kinds).toEqual(Array(limits.agentCreationsPerWindow).fill("allowed"));
    const refused = await limiter.take("agent-creation", caller);
    expect(refused).toMatchObject({ kind: "exhausted", limit: 5, remaining: 0 });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(limits.limiterWindowMs);
  });

  it("tells what remains", async () => {
    const limiter = open();
    const caller = freshCaller();
    const first = await limiter.take("api", caller);
    expect(first).toMatchObject({ kind: "allowed", limit: 100, remaining: 99, retryAfterMs: 0 });
    expect(first.resetAtMs).toBeGreaterThan(Date.now());
  });

  it("counts callers and limiters apart", async () => {
    const limiter = open();
    const caller = freshCaller();
    for (let count = 0; count <= limits.agentCreationsPerWindow; count += 1)
      await limiter.take("agent-creation", caller);
    expect((await limiter.take("agent-creation", freshCaller())).kind).toBe("allowed");
    expect((await limiter.take("chat", caller)).kind).toBe("allowed");
  });
});

describe("the gate", () => {
  const gate = () => upstashGate({ redis, clock: systemClock, blocked: createBlockedCallers() });
  const identity = { userId: "usr_0123456789abcdef0123456789abcdef", tenant: "guest", scopes: ["chat" as const] };
  const ref = { userId: identity.userId, secretHash: "ab".repeat(32) };
  const claim = {
    kind: "session" as const,
    userId: ref.userId,
    ref,
    expiresAtMs: 0,
    sessionSecret: "",
    isRenewalDue: false,
  };
  const vouched = { kind: "vouched" as const, userId: identity.userId, identity };

  it("asks for session and limit in one round trip once the script is known", async () => {
    await upstashSessionStore(redis).put(ref, { ...identity, createdAtMs: 17 });
    await gate().pass({ claim, limiter: "api", caller: freshCaller() });
    stack.ledger.reset();
    const passed = await gate().pass({ claim, limiter: "api", caller: freshCaller() });
    expect(passed.identity).toMatchObject(identity);
    expect(passed.limit?.kind).toBe("allowed");
    expect(stack.ledger.read().roundTrips).toBe(1);
  });

  it("refuses whoever is over the limit without a command until the window ends", async () => {
    const caller = freshCaller();
    const remembering = gate();
    const pass = () => remembering.pass({ claim: vouched, limiter: "agent-creation", caller });
    for (let count = 0; count <= limits.agentCreationsPerWindow; count += 1) await pass();
    stack.ledger.reset();
    expect((await pass()).limit).toMatchObject({ name: "agent-creation", kind: "exhausted", remaining: 0 });
    expect(stack.ledger.read().commands).toBe(0);
    const another = await remembering.pass({ claim: vouched, limiter: "agent-creation", caller: freshCaller() });
    expect(another.limit?.kind).toBe("allowed");
  });

  it.each([
    ["api", vouched, "open"],
    ["chat", vouched, "closed"],
    ["agent-creation", vouched, "closed"],
    ["api", claim, "closed"],
  ] as const)("of %s for a %o is %s when the storage does not answer", async (limiter, who, state) => {
    stack.faults.add({ server: "redis", action: "drop-before", count: 1 });
    const passing = gate().pass({ claim: who, limiter, caller: freshCaller() });
    if (state === "open") expect(await passing).toEqual({ identity, limit: undefined });
    else await expect(passing).rejects.toMatchObject({ code: "redis_unavailable" });
  });
});
