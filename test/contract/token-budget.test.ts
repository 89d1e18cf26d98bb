/** Token budgets: one suite for the adapter and its fake, then the whole app on the day's edge. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import { dayOf, type TokenBudget } from "../../src/limit/token-budget.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashTokenBudget } from "../../src/upstash/token-budget.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryTokenBudget } from "../fakes/memory-token-budget.ts";
import { redisCommand } from "../support/run-client.ts";
import { chatBody, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

const tokensPerDay = 100_000;
const dayMs = 24 * 60 * 60 * 1000;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ time: "stack", bindings: { TOKENS_PER_DAY: String(tokensPerDay) } });
});
afterAll(() => app.close());

const counterOf = (userId: string): string => `tokens:{${userId}}:${dayOf(app.stack.clock.now())}`;
const spend = (userId: string, tokens: number) => redisCommand(app.stack, ["SET", counterOf(userId), tokens]);
const spentBy = async (userId: string): Promise<number> =>
  Number(await redisCommand(app.stack, ["GET", counterOf(userId)]));

async function say(caller: TestCaller, messageId: string, conversationId = "talk"): Promise<Response> {
  app.stack.model.script({ kind: "reply", text: "Hi.", times: 1 });
  const response = await caller.chat(conversationId, messageId, "Hello");
  return new Response(await response.text(), response);
}

describe.each([
  [
    "in Redis",
    (clock: ReturnType<typeof manualClock>): TokenBudget => {
      const { redisUrl: url, redisToken } = app.stack;
      const redis = upstashClient({ url, token: new Secret(redisToken), timeoutMs: 5_000 });
      return upstashTokenBudget(redis, clock, 10);
    },
  ],
  ["in memory", (clock: ReturnType<typeof manualClock>): TokenBudget => memoryTokenBudget(clock, 10)],
])("a token budget %s", (_name, open) => {
  it("adds up what each user has spent today, and begins anew at midnight UTC", async () => {
    const clock = manualClock();
    const budget = open(clock);
    const [userId, other] = [crypto.randomUUID(), crypto.randomUUID()];
    expect(await budget.spent(userId)).toBe(0);
    expect(await budget.book(userId, 7)).toBe(7);
    expect(await budget.book(userId, 5)).toBe(12);
    expect(await budget.spent(userId)).toBe(12);
    expect(await budget.spent(other)).toBe(0);
    await clock.advance(dayMs - (clock.now() % dayMs) - 1);
    expect(await budget.spent(userId)).toBe(12);
    await clock.advance(1);
    expect(await budget.spent(userId)).toBe(0);
  });
});

describe("a chat turn where tokens are counted", () => {
  it("books what its model calls have used, for a day or two, in the round trips that it makes anyway", async () => {
    const [caller, uncounted] = [await app.signIn(), await app.signIn()];
    app.rebind({ TOKENS_PER_DAY: "" });
    // So that their limiters' windows, too, are begun, and the scripts known.
    for (const who of [caller, uncounted]) await say(who, "m-0", "another");
    await app.background();
    async function cost(who: TestCaller, messageId: string) {
      app.stack.ledger.reset();
      await say(who, messageId);
      await app.background();
      const { commands, roundTrips } = app.stack.ledger.read();
      return { commands, roundTrips };
    }
    const plain = [await cost(uncounted, "m-1"), await cost(uncounted, "m-2")];
    expect(await spentBy(uncounted.userId)).toBe(0);
    app.rebind({ TOKENS_PER_DAY: String(tokensPerDay) });
    const counted = [await cost(caller, "m-1"), await cost(caller, "m-2")];
    expect(counted.map(({ roundTrips }) => roundTrips)).toEqual(plain.map(({ roundTrips }) => roundTrips));
    // The day's first booking has its expiry set.
    expect(counted.map(({ commands }, index) => commands - plain[index]!.commands)).toEqual([3, 2]);
    expect(await spentBy(caller.userId)).toBeGreaterThan(0);
    expect(await redisCommand(app.stack, ["TTL", counterOf(caller.userId)])).toBeGreaterThan(dayMs / 1000);
  });

  it("is answered while one token is left, and 429 in words when none is, until the day is over", async () => {
    const caller = await app.signIn();
    await spend(caller.userId, tokensPerDay - 1);
    expect((await say(caller, "m-1")).status).toBe(200);
    await app.background();
    expect(await spentBy(caller.userId)).toBeGreaterThan(tokensPerDay);
    await spend(caller.userId, tokensPerDay);
    const now = app.stack.clock.now();
    const leftMs = dayMs - (now % dayMs);
    const refused = await caller.chat("talk", "m-2", "Hello");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe(String(Math.ceil(leftMs / 1000)));
    const problem = (await refused.json()) as { detail: string };
    expect(problem).toMatchObject({ code: "rate_limited" });
    expect(problem.detail).toContain("The 100000 model tokens of this day are used up");
    expect(problem.detail).toContain(new Date(now + leftMs).toISOString());
    // What was answered is still to be had.
    expect(await (await caller.chat("talk", "m-1", "Hello")).text()).toContain("Hi.");
    await app.stack.clock.advance(leftMs);
    expect((await say(caller, "m-3")).status).toBe(200);
    await app.background();
  });

  it("of a key keeps to the key's own budget, where that is narrower", async () => {
    const caller = await app.signIn();
    const draft = { name: "Robot", scopes: ["chat"], tokensPerDay: 100 };
    const { key } = (await (await caller.post("/api/keys", draft)).json()) as { key: string };
    const byKey = (messageId: string): Promise<Response> =>
      app.fetch("/api/chat", {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify(chatBody("by-key", messageId, "Hello")),
      });
    await spend(caller.userId, 99);
    app.stack.model.script({ kind: "reply", text: "Hi.", times: 1 });
    expect(await (await byKey("m-1")).text()).toContain("Hi.");
    await app.background();
    await spend(caller.userId, 100);
    const refused = await byKey("m-2");
    expect(refused.status).toBe(429);
    expect(((await refused.json()) as { detail: string }).detail).toContain("The 100 model tokens");
    expect((await say(caller, "m-3", "by-cookie")).status).toBe(200);
    await app.background();
  });
});

describe("erasing what is one's own", () => {
  it("does not begin the day's tokens anew", async () => {
    const caller = await app.signIn();
    const counter = counterOf(caller.userId);
    await redisCommand(app.stack, ["SET", counter, tokensPerDay]);
    const { erasureId } = (await (await caller.fetch("/api/memory", { method: "DELETE" })).json()) as {
      erasureId: string;
    };
    await app.settled();
    await app.stack.clock.advance(limits.eraseSettleMs);
    await app.settled();
    const report = await (await app.fetch(`/api/memory/erasures/${erasureId}`)).json();
    expect(report).toMatchObject({ status: "erased" });
    expect(Number(await redisCommand(app.stack, ["GET", counter]))).toBe(tokensPerDay);
  });
});

describe("a run of an agent where tokens are counted", () => {
  it("is not started when the day's tokens are used up", async () => {
    const caller = await app.signIn();
    await spend(caller.userId, tokensPerDay);
    for (const path of ["/api/agents/workflow", "/api/agents/planning"]) {
      const refused = await caller.post(path, { goal: "reach it" });
      expect(refused.status).toBe(429);
      expect(refused.headers.get("Retry-After")).not.toBeNull();
    }
    expect(await (await caller.fetch("/api/runs")).json()).toMatchObject({ runs: [] });
  });

  it("books each of its model calls", async () => {
    const caller = await app.signIn();
    app.stack.model.script({ kind: "reply", text: "It is done.", times: 1 });
    const made = await caller.post("/api/agents", { name: "Looper", shape: "loop" });
    const { id } = (await made.json()) as { id: string };
    expect((await caller.post(`/api/agents/${id}/runs`, { goal: "reach it" })).status).toBe(202);
    await app.settled();
    expect(await spentBy(caller.userId)).toBeGreaterThan(0);
  });
});

describe("a key's budget where tokens are not counted", () => {
  it("is refused in words: nothing would keep it", async () => {
    const caller = await app.signIn();
    app.rebind({ TOKENS_PER_DAY: "" });
    const refused = await caller.post("/api/keys", { name: "Robot", scopes: ["chat"], tokensPerDay: 100 });
    app.rebind({ TOKENS_PER_DAY: String(tokensPerDay) });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { detail: string }).detail).toContain("TOKENS_PER_DAY");
  });
});
