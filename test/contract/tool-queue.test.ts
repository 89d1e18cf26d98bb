/** Calls of tools through the queue: the app, QStash and Redis of the local stack, and real deliveries. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { RetryAfterError } from "../../src/engine/failures.ts";
import { failed } from "../../src/tool/tool.ts";
import { deadExecutionsKey } from "../../src/upstash/keys.ts";
import { actingTools, passRetries, passTime } from "../support/acting-tools.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";

const down = new AppError("partner_unavailable", "down");
const tools = actingTools();
let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  const effects = { look: "read", pay: "money" } as const;
  const made = [tools.make("act"), ...Object.entries(effects).map(([name, effect]) => tools.make(name, { effect }))];
  app = await startTestApp({ time: "stack", tools: made });
  caller = await app.signIn();
});
afterAll(() => app.close());
beforeEach(tools.reset);
afterEach(async () => {
  app.stack.faults.clear();
  await app.settled();
});

describe("a queued call", () => {
  it("is answered with its ids, runs once, and its result is there to be read", async () => {
    const response = await caller.post("/api/tools/calculator/queue", { parameters: { expression: "6 * 7" } });
    expect(response.status).toBe(202);
    const queued = (await response.json()) as { executionId: string; messageId: string; status: string };
    expect(queued).toEqual({
      executionId: expect.stringMatching(/^exe_[0-9a-f]{32}$/) as string,
      messageId: expect.stringMatching(/^msg_/) as string,
      status: "queued",
    });
    expect(response.headers.get("Location")).toBe(`/api/tools/executions/${queued.executionId}`);
    await app.settled();
    expect(await readExecution(caller, queued.executionId)).toEqual({
      executionId: queued.executionId,
      tool: "calculator",
      status: "completed",
      attempts: 1,
      retries: limits.toolQueueRetries,
      messageId: queued.messageId,
      queuedAt: app.stack.clock.now(),
      startedAt: app.stack.clock.now(),
      endedAt: app.stack.clock.now(),
      result: { expression: "6 * 7", result: "42" },
    });
  });

  it("costs one message, and one round trip to Redis beside the gate's", async () => {
    await queueTool(caller, "look", { delay: 60 });
    app.stack.ledger.reset();
    await queueTool(caller, "look", { delay: 60 });
    const { roundTrips, messages } = app.stack.ledger.read();
    expect(roundTrips).toBe(2);
    expect(messages).toBe(0);
    await passTime(app, 61_000);
    expect(app.stack.ledger.read().messages).toBe(2);
  });

  it("waits for its delay", async () => {
    const { executionId } = await queueTool(caller, "look", { delay: 90 });
    await passTime(app, 89_000);
    const queuedAt = app.stack.clock.now() - 89_000;
    expect(await readExecution(caller, executionId)).toMatchObject({
      status: "queued",
      attempts: 0,
      queuedAt,
      notBefore: queuedAt + 90_000,
    });
    await passTime(app, 2_000);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed" });
  });

  it("of a tool that needs approval runs: whoever queues it asks for it by name and input", async () => {
    const { executionId } = await queueTool(caller, "pay", {});
    await app.settled();
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed", result: "done" });
  });

  it("acts in the name of whoever queued it, in the conversation that was named", async () => {
    tools.behave = ({ userId, conversationId }) => ({ userId, conversationId });
    const { executionId } = await queueTool(caller, "act", { conversationId: "c-1" });
    await app.settled();
    expect(await readExecution(caller, executionId)).toMatchObject({
      result: { userId: caller.userId, conversationId: "c-1" },
    });
  });
});

describe("a deduplication id", () => {
  it("makes two requests one execution", async () => {
    const body = { parameters: { count: 1 }, deduplicationId: "order-1" };
    const [first, second] = await Promise.all([queueTool(caller, "act", body), queueTool(caller, "act", body)]);
    expect(second).toMatchObject({ executionId: first.executionId, messageId: first.messageId });
    await app.settled();
    expect(await queueTool(caller, "act", body)).toMatchObject({ executionId: first.executionId, status: "completed" });
    await app.settled();
    expect(tools.acts).toHaveLength(1);
  });

  it("makes them one also after the queue has forgotten it", async () => {
    const body = { deduplicationId: "order-2" };
    const first = await queueTool(caller, "act", body);
    await passTime(app, 11 * 60_000);
    const again = await queueTool(caller, "act", body);
    expect(again).toMatchObject({ executionId: first.executionId, status: "completed" });
    expect(again.messageId).not.toBe(first.messageId);
    await app.settled();
    expect(tools.acts).toHaveLength(1);
    expect(await readExecution(caller, first.executionId)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("with other parameters is refused, and those do not run", async () => {
    const { executionId } = await queueTool(caller, "act", { parameters: { count: 1 }, deduplicationId: "order-3" });
    await passTime(app, 11 * 60_000);
    const body = { parameters: { count: 2 }, deduplicationId: "order-3" };
    const refused = await caller.post("/api/tools/act/queue", body);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "id_taken" });
    await app.settled();
    expect(tools.acts).toHaveLength(1);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed" });
  });

  it("belongs to its user and its tool", async () => {
    const body = { deduplicationId: "order-4" };
    const other = await app.signIn();
    const ids = [
      await queueTool(caller, "act", body),
      await queueTool(caller, "look", body),
      await queueTool(other, "act", body),
    ].map(({ executionId }) => executionId);
    expect(new Set(ids).size).toBe(3);
  });
});

describe("a call that fails", () => {
  it("in passing is tried again, and is seen to be", async () => {
    tools.behave = (_context, call) => {
      if (call < 3) throw down;
      return "at last";
    };
    const { executionId } = await queueTool(caller, "act", {});
    await app.settled();
    expect(await readExecution(caller, executionId)).toMatchObject({
      status: "retrying",
      attempts: 1,
      error: { code: "unavailable" },
    });
    await passRetries(app);
    expect(await readExecution(caller, executionId)).toMatchObject({
      status: "completed",
      attempts: 3,
      result: "at last",
    });
    expect(new Set(tools.acts).size).toBe(1);
  });

  it("with whatever its tool throws is tried again, as often as it was queued for, and tells nobody what that said", async () => {
    tools.behave = (_context, call) => {
      if (call < 3) throw call === 1 ? new Error("server said 500 to sk-4711") : new TypeError("fetch failed");
      return "at last";
    };
    const { executionId } = await queueTool(caller, "act", { retries: 2 });
    await app.settled();
    const retrying = await readExecution(caller, executionId);
    expect(retrying).toMatchObject({ status: "retrying", error: { code: "unavailable" } });
    expect(JSON.stringify(retrying)).not.toContain("4711");
    await passRetries(app);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed", attempts: 3 });
    expect(new Set(tools.acts).size).toBe(1);
  });

  it.each([
    ["what it needs", new AppError("partner_unavailable", "busy", { retryAfterMs: 120_000 })],
    ["its tool", new RetryAfterError("Busy.", { retryAfterMs: 120_000 })],
  ])("waits as long as %s asks for", async (_case, busy) => {
    tools.behave = (_context, call) => {
      if (call === 1) throw busy;
      return "done";
    };
    const { executionId } = await queueTool(caller, "act", {});
    await passTime(app, 119_000);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "retrying" });
    await passTime(app, 2_000);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed" });
  });

  it("for good burns no retries, and is dead with its cause", async () => {
    tools.behave = () => failed("The table is taken.");
    const { executionId, messageId } = await queueTool(caller, "act", {});
    await passRetries(app);
    expect(tools.acts).toHaveLength(1);
    expect(await readExecution(caller, executionId)).toMatchObject({
      status: "dead",
      attempts: 1,
      messageId,
      error: { code: "failed", message: "The table is taken." },
      dead: {
        status: 489,
        cause: expect.stringContaining("The table is taken.") as string,
        id: expect.any(String) as string,
      },
    });
  });

  it("too often is dead, listed by its time, and holds what a retry needs", async () => {
    tools.behave = () => Promise.reject(down);
    const { executionId, messageId } = await queueTool(caller, "act", { retries: 1 });
    await passRetries(app);
    const execution = await readExecution(caller, executionId);
    expect(execution).toMatchObject({
      status: "dead",
      attempts: 2,
      dead: { status: 503, cause: expect.stringContaining("unavailable") as string },
    });
    const dead = await redis(["ZRANGE", deadExecutionsKey(caller.userId), 0, -1, "WITHSCORES"]);
    expect(dead).toEqual(expect.arrayContaining([executionId, String(execution.dead?.at)]) as unknown);
    const letter = await qstash("GET", `/v2/dlq/${execution.dead?.id}`);
    expect(letter).toMatchObject({ messageId, url: `${app.url}/api/tools/act` });
  });

  it("and is dead runs again when its message is delivered anew", async () => {
    tools.behave = (_context, call) => (call === 1 ? failed("no") : "yes");
    const { executionId } = await queueTool(caller, "look", {});
    await passTime(app, 1_000);
    const { dead } = await readExecution(caller, executionId);
    await qstash("POST", `/v2/dlq/retry/${dead?.id}`);
    await passTime(app, 1_000);
    const revived = await readExecution(caller, executionId);
    expect(revived).toMatchObject({ status: "completed", attempts: 2, result: "yes" });
    expect(revived.dead).toBeUndefined();
  });

  it("answers a repetition of a call that acts with its first refusal", async () => {
    tools.behave = (_context, call) => (call === 1 ? failed("no") : "yes");
    const { executionId } = await queueTool(caller, "act", {});
    await passTime(app, 1_000);
    const { dead } = await readExecution(caller, executionId);
    await qstash("POST", `/v2/dlq/retry/${dead?.id}`);
    await passTime(app, 1_000);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "dead", error: { message: "no" } });
    expect(tools.acts).toHaveLength(1);
  });
});

async function redis(command: readonly (string | number)[]): Promise<unknown> {
  const response = await fetch(app.stack.redisUrl, {
    method: "POST",
    body: JSON.stringify(command),
    headers: { authorization: `Bearer ${app.stack.redisToken}` },
  });
  return ((await response.json()) as { result: unknown }).result;
}

async function qstash(method: string, path: string): Promise<unknown> {
  const response = await fetch(`${app.stack.qstashUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${app.stack.qstashToken}` },
  });
  return response.json();
}
