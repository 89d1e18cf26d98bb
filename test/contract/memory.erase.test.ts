/** Exporting and erasing everything of a user, over the whole app and with the time of the stack. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { cacheTagKey, cacheValueKey } from "../../src/upstash/keys.ts";
import { redisCommand } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

let app: TestApp;
beforeAll(async () => {
  // What is sealed at rest is exported in clear.
  const bindings = { ENCRYPTION_KEYS: `k1:${btoa("k".repeat(32))}` };
  app = await startTestApp({ time: "stack", definitions: [waitForGo], bindings });
});
afterAll(() => app.close());

interface Report {
  readonly erasureId: string;
  readonly status: string;
  readonly erased: Readonly<Record<string, number>>;
  readonly looks: readonly number[];
}

async function json<T>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}

/** Every key of the storage with the user's id in it, and what shared registries have of the user. */
async function tracesOf(userId: string): Promise<string[]> {
  const [, keys] = (await redisCommand(app.stack, ["SCAN", 0, "MATCH", `*${userId}*`, "COUNT", 1_000_000])) as [
    string,
    string[],
  ];
  const due = await Promise.all(
    ["runs:due", "turns:due"].map(async (key) => (await redisCommand(app.stack, ["ZRANGE", key, 0, -1])) as string[]),
  );
  // What limits count passes by itself.
  const lasting = keys.filter((key) => !/^(?:ratelimit|tokens):/.test(key));
  return [...lasting, ...due.flat().filter((member) => member.includes(userId))];
}

/** One of everything: a conversation, an agent that knows something, a run that waits, a schedule, a text in the cache. */
async function fill(who: TestCaller): Promise<{ agentId: string; scheduleId: string; runId: string }> {
  app.stack.model.script({ kind: "reply", text: "Noted." });
  await (await who.chat("c1", "m1", "My name is Ada")).text();
  const { id: agentId } = await json<{ id: string }>(who.post("/api/agents", { name: "Helper" }));
  await who.post(`/api/memory/knowledge/${agentId}/name`, { value: "Ada" }, { method: "PUT" });
  const { runId } = await json<{ runId: string }>(who.post("/api/execute", { name: "wait-for-go", input: {} }));
  const target = { kind: "agent", agentId, goal: "Say hello" };
  const { scheduleId } = await json<{ scheduleId: string }>(
    who.post("/api/schedules", { when: { cron: "0 9 * * *" }, target }),
  );
  const owner = who.userId;
  await redisCommand(app.stack, ["SET", cacheValueKey({ owner, name: "seen" }), "cached"]);
  await redisCommand(app.stack, ["SET", cacheTagKey({ owner, tag: "seen" }), "1"]);
  await app.background();
  return { agentId, scheduleId, runId };
}

function erase(who: TestCaller): Promise<Report> {
  return json(who.fetch("/api/memory", { method: "DELETE" }));
}

/** The model speaks with the time of the stack. */
async function whileTimePasses<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  void work.finally(() => (isDone = true));
  while (!isDone) {
    await app.stack.clock.advance(10);
    await new Promise(setImmediate);
  }
  return work;
}

/** The report once the erasure has ended; moves the time on for that. */
async function ended({ erasureId }: Report): Promise<Report> {
  for (let look = 0; look < limits.eraseLooksMax; look += 1) {
    await app.settled();
    const report = await json<Report>(app.fetch(`/api/memory/erasures/${erasureId}`));
    if (report.status !== "erasing") return report;
    await app.stack.clock.advance(limits.eraseSettleMs);
  }
  throw new Error("the erasure does not end");
}

describe("an erasure", () => {
  it("leaves no key of the user's, proves it by a look that finds nothing, and touches nobody else", async () => {
    const [who, other] = [await app.signIn(), await app.signIn()];
    await fill(who);
    const theirs = await fill(other);
    const before = await tracesOf(other.userId);
    expect((await tracesOf(who.userId)).length).toBeGreaterThan(10);
    const report = await erase(who);
    expect(report.erased).toMatchObject({
      session: 1,
      sessions: 1,
      agents: 1,
      conversations: 1,
      "memory:conversations": 1,
      events: 1,
      "memory:knowledge": 3,
      runs: 1,
      schedules: 1,
    });
    const last = await ended(report);
    expect(last).toMatchObject({ status: "erased", erasureId: report.erasureId });
    expect(last.looks.length).toBeGreaterThan(1);
    expect(last.looks.at(-1)).toBe(0);
    expect(await tracesOf(who.userId)).toEqual([]);
    expect((await tracesOf(other.userId)).toSorted()).toEqual(before.toSorted());
    expect((await other.fetch(`/api/runs/${theirs.runId}`)).status).toBe(200);
  });

  it("ends the session and the API keys, and the queue forgets the user's schedules", async () => {
    const who = await app.signIn();
    const { scheduleId } = await fill(who);
    const { key } = await json<{ key: string }>(who.post("/api/keys", { name: "Robot", scopes: ["chat"] }));
    const response = await who.fetch("/api/memory", { method: "DELETE" });
    expect(response.status).toBe(202);
    expect(response.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await who.fetch("/api/conversations")).status).toBe(401);
    expect((await app.fetch("/api/conversations", { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
    const authorization = `Bearer ${app.stack.qstashToken}`;
    const known = await fetch(`${app.stack.qstashUrl}/v2/schedules/${scheduleId}`, { headers: { authorization } });
    expect(known.status).toBe(404);
    await ended(await json(response));
  });

  it("may be asked for twice at once", async () => {
    const who = await app.signIn();
    await fill(who);
    const responses = await Promise.all([1, 2].map(() => who.fetch("/api/memory", { method: "DELETE" })));
    const accepted = responses.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThan(0);
    for (const response of accepted) expect((await ended(await json(response))).status).toBe("erased");
    expect(await tracesOf(who.userId)).toEqual([]);
  });

  it("of a user who has nothing finds the session alone", async () => {
    const report = await erase(await app.signIn());
    expect(report.erased).toMatchObject({ session: 1, sessions: 1 });
    expect((await ended(report)).looks.at(-1)).toBe(0);
  });

  it("while a turn runs ends that turn, and nothing of it comes back", async () => {
    const who = await app.signIn();
    app.stack.model.script({ kind: "slow", text: "It was a dark and stormy night. ".repeat(5), msPerChunk: 40 });
    const turn = await who.chat("c1", "m1", "Tell me a long story");
    const report = await erase(who);
    expect(report.erased).toMatchObject({ events: 1 });
    expect(await whileTimePasses(turn.text().catch(() => "broken off"))).not.toContain('"type":"finish"');
    expect((await ended(report)).status).toBe("erased");
    expect(await tracesOf(who.userId)).toEqual([]);
  });

  it("erases what a writer left behind it, at the next look", async () => {
    const who = await app.signIn();
    const report = await erase(who);
    await redisCommand(app.stack, ["RPUSH", `memory:conversations:{${who.userId}}:late`, "{}"]);
    const last = await ended(report);
    expect(last.looks.at(-2)).toBe(1);
    expect(last).toMatchObject({ status: "erased", erased: { "memory:conversations": 1 } });
    expect(await tracesOf(who.userId)).toEqual([]);
  });

  it.each(["nonsense", `run_${"0".repeat(32)}`, "run_..%2F", `usr_${"0".repeat(32)}`])(
    "is not found as %s",
    async (id) => {
      expect((await app.fetch(`/api/memory/erasures/${id}`)).status).toBe(404);
    },
  );

  it("cannot be seen or acted upon as a run of anybody's", async () => {
    const who = await app.signIn();
    const { erasureId } = await erase(await app.signIn());
    expect((await who.fetch(`/api/runs/${erasureId}`)).status).toBe(404);
    expect((await who.post("/api/execute", { name: "erase-user", input: { userId: who.userId } })).status).toBe(404);
  });
});

interface Export {
  readonly items: readonly (Record<string, unknown> & { readonly kind: string })[];
  readonly next?: string;
}

describe("an export", () => {
  it("holds everything of the user's, and nothing that opens a session", async () => {
    const who = await app.signIn();
    const { agentId, runId, scheduleId } = await fill(who);
    const response = await who.fetch("/api/memory/export");
    expect(response.headers.get("content-type")).toContain("application/json");
    const text = await response.text();
    const all = JSON.parse(text) as Export;
    expect(all.items.map(({ kind }) => kind)).toEqual([
      "session",
      "agent",
      "schedule",
      "knowledge",
      "conversation",
      "run",
    ]);
    expect(all.items[1]).toMatchObject({ id: agentId, name: "Helper" });
    expect(all.items[2]).toMatchObject({ scheduleId, target: { agentId } });
    expect(all.items[3]).toMatchObject({ agentId, entries: [{ key: "name", value: "Ada" }] });
    expect(all.items[4]).toMatchObject({ id: "c1", messages: [{ role: "user" }, { role: "assistant" }] });
    expect(all.items[5]).toMatchObject({ runId, status: "waiting", input: {}, memory: { stage: "waiting" } });
    expect(all.next).toBeUndefined();
    const sessionKeys = (await tracesOf(who.userId)).filter((key) => key.startsWith("session:"));
    for (const key of sessionKeys) expect(text).not.toContain(key.split(":").at(-1));
  });

  it.each(["", "run", "run.", "nothing.1", "run.1.2", "agent.../x", `agent.${"x".repeat(200)}`])(
    "does not go on behind %j",
    async (after) => {
      const response = await (await app.signIn()).fetch(`/api/memory/export?after=${encodeURIComponent(after)}`);
      expect(response.status).toBe(400);
      expect(await json(response)).toMatchObject({ code: "invalid_cursor" });
    },
  );
});

describe("an export of much", () => {
  it("comes whole where an invocation may do much: 200 conversations and 60 runs, each once", async () => {
    const large = await startTestApp({ bindings: { WORKERS_PLAN: "paid" } });
    onTestFinished(() => large.close());
    const who = await large.signIn();
    await plantMany(large, who, 200, 60);
    const { items, next } = await json<Export>(who.fetch("/api/memory/export"));
    expect(new Set(items.filter(({ kind }) => kind === "conversation").map(({ id }) => id)).size).toBe(200);
    expect(new Set(items.filter(({ kind }) => kind === "run").map(({ runId }) => runId)).size).toBe(60);
    expect(items).toHaveLength(261);
    expect(next).toBeUndefined();
  });

  it("comes in parts where it may do little, which together are the whole, each thing once", async () => {
    const who = await app.signIn();
    await plantMany(app, who, 70, 45);
    const items: Export["items"][number][] = [];
    let parts = 0;
    for (let after: string | undefined = ""; after !== undefined; parts += 1) {
      const part: Export = await json(who.fetch(`/api/memory/export${after === "" ? "" : `?after=${after}`}`));
      items.push(...part.items);
      after = part.next;
    }
    expect(parts).toBeGreaterThan(2);
    expect(new Set(items.map(({ kind, id, runId }) => `${kind} ${String(id)} ${String(runId)}`)).size).toBe(116);
    expect(items).toHaveLength(116);
  });
});

/** Written straight into the storage: over HTTP the limits would take an hour. */
async function plantMany(of: TestApp, who: TestCaller, conversations: number, runs: number): Promise<void> {
  const { userId } = who;
  const now = of.stack.clock.now();
  const message = { id: "m1", role: "user", parts: [{ type: "text", text: "Hello" }], metadata: { at: now } };
  for (let index = 0; index < conversations; index += 1) {
    const key = `conversations:{${userId}}`;
    await redisCommand(of.stack, ["HSET", key, `c${index}:at`, now - index, `c${index}:title`, `Talk ${index}`]);
    await redisCommand(of.stack, ["RPUSH", `memory:conversations:{${userId}}:c${index}`, JSON.stringify(message)]);
  }
  for (let index = 0; index < runs; index += 1) {
    const runId = `run_${String(index).padStart(32, "0")}`;
    const entry = `- 0 ${now} started ${JSON.stringify({ definition: "told-steps", version: 1, input: { count: 1 } })}`;
    // Several start in the same millisecond.
    await redisCommand(of.stack, ["ZADD", `runs:{${userId}}`, now - Math.floor(index / 7), runId]);
    await redisCommand(of.stack, ["RPUSH", `runs:{${userId}}:${runId}:journal`, entry]);
  }
}
