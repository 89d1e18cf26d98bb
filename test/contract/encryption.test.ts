/** Encryption at rest over the real app: what Redis holds of what people and runs said. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunView } from "../../src/engine/run-view.ts";
import { agentsKey, journalKey, messagesKey, sessionKey } from "../../src/upstash/keys.ts";
import { readNothing } from "../../src/upstash/reply.ts";
import { planText, summaryText } from "../support/agent-rig.ts";
import { redisCommand, runClient } from "../support/run-client.ts";
import { textOfChunks, uiChunks } from "../support/sse.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

const keyText = (byte: string): string => btoa(byte.repeat(32));
const oldKeys = `old:${keyText("o")}`;
const planted = ["marzipan", "quicksilver", "heliotrope", "velociraptor", "palimpsest", "zeppelin", "axolotl"];

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo], bindings: { ENCRYPTION_KEYS: oldKeys } });
  caller = await app.signIn();
});
afterAll(() => app.close());

/** Everything in Redis as text, key by key. */
async function dump(): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  for (const key of (await redisCommand(app.stack, ["KEYS", "*"])) as string[]) {
    const type = String(await redisCommand(app.stack, ["TYPE", key]));
    const read = { string: ["GET", key], list: ["LRANGE", key, 0, -1], hash: ["HGETALL", key], set: ["SMEMBERS", key] }[
      type
    ];
    held.set(key, JSON.stringify(await redisCommand(app.stack, read ?? ["ZRANGE", key, 0, -1, "WITHSCORES"])));
  }
  return held;
}

function qstash(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${app.stack.qstashToken}` };
  return fetch(`${app.stack.qstashUrl}/v2/${path}`, { ...init, headers });
}

/** A trigger, as the queue brings it. */
async function deliver(trigger: object): Promise<void> {
  await qstash(`publish/${app.url}/api/engine/execute-step`, { method: "POST", body: JSON.stringify(trigger) });
}

async function deadLetters(): Promise<unknown[]> {
  return ((await (await qstash("dlq")).json()) as { messages: unknown[] }).messages;
}

async function chat(conversationId: string, id: string, text: string): Promise<string> {
  return textOfChunks(await uiChunks(await caller.chat(conversationId, id, text)));
}

describe("a store with encryption on", () => {
  it("holds no word of a chat, a saga, an agent and its run, while their owner reads them all", async () => {
    app.stack.model.script({ kind: "reply", text: "I like quicksilver.", times: 1 });
    expect(await chat("c1", "m1", "Tell me of marzipan")).toBe("I like quicksilver.");
    const runs = runClient(caller);
    const saga = await runs.start("wait-for-go");
    await app.settled();
    await runs.act(saga, "signal", { name: "go", payload: { say: "heliotrope" } });
    await app.settled();
    expect(await runs.view(saga)).toMatchObject({ status: "completed", output: { payload: { say: "heliotrope" } } });
    const made = await caller.post("/api/agents", { name: "Ann", instructions: "Think of a velociraptor." });
    const { id: agentId } = (await made.json()) as { id: string };
    app.stack.model.script({
      kind: "reply",
      text: planText({ id: "a", tool: "calculator", parameters: { expression: "1+1" } }),
      times: 1,
    });
    app.stack.model.script({
      kind: "reply",
      text: summaryText("A palimpsest.", [{ key: "craft", value: "zeppelin" }]),
      times: 1,
    });
    const answer = await caller.post(
      `/api/agents/${agentId}/runs`,
      { goal: "Find the marzipan", conversationId: "c2" },
      { headers: { prefer: "wait=20" } },
    );
    const view = (await answer.json()) as RunView;
    await app.settled();
    expect(JSON.stringify((await runs.view(view.runId)).output)).toContain("palimpsest");
    const call = { parameters: { key: "pet", value: "an axolotl" } };
    const { executionId } = await queueTool(caller, "remember", call);
    await app.settled();
    expect(await readExecution(caller, executionId)).toMatchObject({ result: { remembered: { value: "an axolotl" } } });
    const history = await (await caller.fetch("/api/conversations/c2/messages")).text();
    expect(history).toContain("marzipan");

    const held = await dump();
    const kinds = new Set([...held.keys()].map((key) => key.replace(/\{.*/, "")));
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        "session:",
        "agents:",
        "events:",
        "memory:conversations:",
        "memory:knowledge:",
        "runs:",
        "tools:",
      ]),
    );
    for (const word of planted) expect([...held].filter(([, text]) => text.includes(word))).toEqual([]);
  });

  it("tells those who follow a run, live", async () => {
    const runs = runClient(caller);
    const id = await runs.start("wait-for-go");
    await app.settled();
    const events = runs.events(id);
    await expect.poll(() => redisCommand(app.stack, ["PUBSUB", "NUMSUB", journalKey(caller.userId, id)])).toContain(1);
    await runs.act(id, "signal", { name: "go", payload: "now" });
    expect((await events).at(-1)).toMatchObject({ type: "workflow-completed" });
  });

  it("reads what was written before there was a key", async () => {
    const message = { id: "m0", role: "user", parts: [{ type: "text", text: "From long ago" }], metadata: { at: 1 } };
    await redisCommand(app.stack, ["RPUSH", messagesKey(caller.userId, "old"), JSON.stringify(message)]);
    await redisCommand(app.stack, [
      "HSET",
      `conversations:{${caller.userId}}`,
      "old:at",
      Date.now(),
      "old:title",
      "Old",
    ]);
    expect(await (await caller.fetch("/api/conversations/old/messages")).text()).toContain("From long ago");
    expect(await (await caller.fetch("/api/conversations")).text()).toContain('"Old"');
  });
});

describe("a text that cannot be opened", () => {
  it("of another user is no way into their account: what was moved is refused", async () => {
    const other = await app.signIn();
    await chat("c3", "m1", "Only mine");
    await redisCommand(app.stack, ["COPY", messagesKey(caller.userId, "c3"), messagesKey(other.userId, "c3")]);
    await redisCommand(app.stack, ["HSET", `conversations:{${other.userId}}`, "c3:at", Date.now()]);
    const answer = await other.fetch("/api/conversations/c3/messages");
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: "sealed_unreadable" });
  });

  it("leaves the run where it is: a delivery is refused for good, the sweep works on the others, and the key brings it back", async () => {
    const runs = runClient(caller);
    const [damaged, whole] = [await runs.start("wait-for-go"), await runs.start("wait-for-go")];
    await app.settled();
    const key = journalKey(caller.userId, damaged);
    const entry = String(await redisCommand(app.stack, ["LINDEX", key, 0]));
    await redisCommand(app.stack, ["LSET", key, 0, entry.replace("~1.old.", "~1.gone.")]);
    expect((await caller.fetch(`/api/runs/${damaged}`)).status).toBe(500);
    expect(await runs.act(damaged, "signal", { name: "go" })).toBe(500);
    const list = await (await caller.fetch("/api/runs")).text();
    expect([list.includes(damaged), list.includes(whole)]).toEqual([false, true]);
    await deliver({ userId: caller.userId, runId: damaged, definition: "wait-for-go@1" });
    await app.settled();
    expect(await deadLetters()).toMatchObject([{ responseStatus: 489 }]);
    for (const runId of [damaged, whole]) {
      await redisCommand(app.stack, ["ZADD", "runs:due", 1, `${caller.userId}/${runId}`]);
    }
    await app.sweep();
    const dueAtMs = Number(await redisCommand(app.stack, ["ZSCORE", "runs:due", `${caller.userId}/${damaged}`]));
    expect(dueAtMs).toBeGreaterThan(Date.now());
    await redisCommand(app.stack, ["LSET", key, 0, entry]);
    expect(await runs.view(damaged)).toMatchObject({ definition: "wait-for-go" });
    expect(await runs.act(damaged, "signal", { name: "go", payload: 7 })).toBe(202);
  });

  it("in a session is a failure and no absent session: a wrong configuration signs nobody out", async () => {
    const other = await app.signIn();
    const [key] = (await redisCommand(app.stack, ["KEYS", `${sessionKey(other.userId, "")}*`])) as [string];
    await redisCommand(app.stack, ["SET", key, "~1.old.AAAA"]);
    expect((await other.fetch("/api/sessions/current")).status).toBe(500);
  });
});

describe("rotation", () => {
  it("goes on with sessions, conversations and runs of the old key, and writes by the new one", async () => {
    await chat("c5", "m1", "Before");
    const runs = runClient(caller);
    const runId = await runs.start("wait-for-go");
    await app.settled();
    app.rebind({ ENCRYPTION_KEYS: `new:${keyText("n")},${oldKeys}` });
    await chat("c5", "m2", "After");
    await app.background();
    const history = await (await caller.fetch("/api/conversations/c5/messages")).text();
    expect([history.includes("Before"), history.includes("After")]).toEqual([true, true]);
    await runs.act(runId, "signal", { name: "go", payload: 1 });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { payload: 1 } });
    const held = String(await redisCommand(app.stack, ["LRANGE", messagesKey(caller.userId, "c5"), 0, -1]));
    expect([held.includes("~1.old."), held.includes("~1.new.")]).toEqual([true, true]);
  });

  it("that drops a key of which something is left makes that unreadable, and nothing else", async () => {
    await app.redis.command(["HSET", agentsKey("usr_x"), "a", "text"], readNothing);
    app.rebind({ ENCRYPTION_KEYS: `new:${keyText("n")}` });
    const fresh = await app.signIn();
    expect((await fresh.fetch("/api/sessions/current")).status).toBe(200);
    expect((await caller.fetch("/api/sessions/current")).status).toBe(500);
  });

  it("that refuses texts in clear refuses them", async () => {
    app.rebind({ ENCRYPTION_KEYS: oldKeys, ENCRYPTION_CLEAR: "refuse" });
    const fresh = await app.signIn();
    await redisCommand(app.stack, ["RPUSH", messagesKey(fresh.userId, "c"), "{}"]);
    await redisCommand(app.stack, ["HSET", `conversations:{${fresh.userId}}`, "c:at", Date.now()]);
    expect((await fresh.fetch("/api/conversations/c/messages")).status).toBe(500);
  });
});
