import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventsKey } from "../../src/upstash/keys.ts";
import { readTexts } from "../../src/upstash/reply.ts";
import { sseEvents, textOfChunks, uiChunks } from "../support/sse.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
  caller = await app.signIn();
});
afterAll(() => app.close());

let conversations = 0;
/** The next calls of the model answer this, at once. */
function scriptReply(reply = "Hi there.", times = 1): void {
  app.stack.model.script({ kind: "reply", text: reply, times });
}

const freshId = (): string => `conversation-${(conversations += 1)}`;

interface StoredMessage {
  readonly id: string;
  readonly role: string;
  readonly parts: readonly { readonly type: string; readonly text?: string; readonly output?: unknown }[];
}

async function messagesOf(who: TestCaller, id: string): Promise<StoredMessage[]> {
  const response = await who.fetch(`/api/conversations/${id}/messages`);
  return ((await response.json()) as { messages: StoredMessage[] }).messages;
}

const textOf = (message: StoredMessage | undefined): string =>
  (message?.parts ?? []).map((part) => part.text ?? "").join("");

describe("a chat turn over the local stack", () => {
  it("answers with a tool's result, and keeps question and answer", async () => {
    const id = freshId();
    const response = await caller.chat(id, "m1", "What is 12 * 34?");
    expect(response.status).toBe(200);
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    const chunks = await uiChunks(response);
    expect(chunks.map((chunk) => chunk.type)).toContain("tool-output-available");
    expect(textOfChunks(chunks)).toContain("408");
    await app.background();
    const stored = await messagesOf(caller, id);
    expect(stored.map((message) => message.role)).toEqual(["user", "assistant"]);
    expect(textOf(stored[1])).toBe(textOfChunks(chunks));
  });

  it("without tools costs at most 16 billed commands, also the very first one of a user", async () => {
    const fresh = await app.signIn();
    const id = freshId();
    for (const messageId of ["m1", "m2", "m3"]) {
      scriptReply();
      app.stack.ledger.reset();
      expect(textOfChunks(await uiChunks(await fresh.chat(id, messageId, "Hello")))).not.toBe("");
      await app.background();
      const { commands, byCommand, modelCalls } = app.stack.ledger.read();
      expect(modelCalls).toBe(1);
      expect(byCommand["PUBLISH"]).toBe(1);
      expect(commands, JSON.stringify(byCommand)).toBeLessThanOrEqual(16);
    }
  });

  it("makes one round trip to Redis before the model is called", async () => {
    const fresh = await app.signIn();
    scriptReply("Hi there.", 2);
    await uiChunks(await fresh.chat(freshId(), "warm-up", "Hello"));
    await app.background();
    // Of all that a turn sends, its opening alone names the registry of due turns before the answer.
    app.stack.faults.add({ server: "redis", match: "turns:due", action: "delay", delayMs: 500, count: 1 });
    app.stack.ledger.reset();
    const answering = fresh.chat(freshId(), "m1", "Hello");
    await expect.poll(() => app.stack.ledger.read().modelCalls).toBe(1);
    expect(app.stack.ledger.read().byCommand["RPUSH"] ?? 0).toBe(0);
    expect(app.stack.ledger.read().byCommand["EVALSHA"]).toBeLessThanOrEqual(2);
    await uiChunks(await answering);
    await app.background();
  });

  it("lists the conversation with its first message as title, and lets its owner rename and remove it", async () => {
    const owner = await app.signIn();
    const id = freshId();
    scriptReply();
    await uiChunks(await owner.chat(id, "m1", "Hello there"));
    await app.background();
    const list = async (): Promise<unknown> =>
      ((await (await owner.fetch("/api/conversations")).json()) as { conversations: unknown }).conversations;
    expect(await list()).toMatchObject([{ id, title: "Hello there" }]);
    const renamed = await owner.fetch(`/api/conversations/${id}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ title: "Greetings" }),
    });
    expect(renamed.status).toBe(200);
    expect(await list()).toMatchObject([{ id, title: "Greetings" }]);
    expect((await owner.fetch(`/api/conversations/${id}`, { method: "DELETE" })).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(await messagesOf(owner, id)).toEqual([]);
  });

  it("has a title that is no text answered as it is kept", async () => {
    const id = freshId();
    await uiChunks(await caller.chat(id, "m1", "Hello there"));
    await app.background();
    const path = `/api/conversations/${id}`;
    const renamed = await caller.post(path, { title: "half of \ud83d, whole \u{1f600}" }, { method: "PATCH" });
    const kept = { title: "half of \ufffd, whole \u{1f600}" };
    expect(await renamed.json()).toMatchObject(kept);
    expect(await (await caller.fetch(path)).json()).toMatchObject(kept);
  });

  it("of another user's conversation finds nothing of it", async () => {
    const id = freshId();
    await uiChunks(await caller.chat(id, "m1", "Remember that my colour is blue"));
    await app.background();
    const other = await app.signIn();
    expect((await other.fetch(`/api/conversations/${id}`)).status).toBe(404);
    expect(await messagesOf(other, id)).toEqual([]);
    expect((await other.fetch(`/api/chat/${id}/stream`)).status).toBe(204);
    expect(await (await other.post(`/api/chat/${id}/stop`, {})).json()).toEqual({ stopped: false });
  });
});

describe("a running answer", () => {
  const words = Array.from({ length: 12 }, (_, index) => `word${index} `).join("");

  it("is resumed whole by a second reader while the first reads on", async () => {
    const id = freshId();
    await app.fetch("/health");
    scriptSlow(60);
    const first = await caller.chat(id, "m1", "Say the words");
    const firstChunks = uiChunks(first);
    const second = await caller.fetch(`/api/chat/${id}/stream`);
    expect(second.status).toBe(200);
    const [a, b] = await Promise.all([firstChunks, uiChunks(second)]);
    expect(textOfChunks(a)).toBe(words);
    expect(textOfChunks(b)).toBe(words);
    expect(b.filter((chunk) => chunk.type === "finish")).toHaveLength(1);
    await app.background();
    expect((await caller.fetch(`/api/chat/${id}/stream`)).status).toBe(204);
  });

  it("is followed, not asked for again, when its message is sent twice at once", async () => {
    const id = freshId();
    scriptSlow(20);
    const both = await Promise.all([caller.chat(id, "m1", "Say the words"), caller.chat(id, "m1", "Say the words")]);
    const texts = await Promise.all(both.map(async (response) => textOfChunks(await uiChunks(response))));
    await app.background();
    expect(texts).toEqual([words, words]);
    expect((await messagesOf(caller, id)).map(textOf)).toEqual(["Say the words", words]);
    app.stack.ledger.reset();
    const replay = await uiChunks(await caller.chat(id, "m1", "Say the words"));
    expect(textOfChunks(replay)).toBe(words);
    expect(app.stack.ledger.read().modelCalls).toBe(0);
  });

  it("refuses another message with 409, and is not disturbed", async () => {
    const id = freshId();
    scriptSlow(40);
    const first = uiChunks(await caller.chat(id, "m1", "Say the words"));
    const refused = await caller.chat(id, "m2", "And now?");
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "turn_running" });
    expect(textOfChunks(await first)).toBe(words);
    await app.background();
  });

  it("is stopped with its text kept, and the conversation goes on", async () => {
    const id = freshId();
    app.stack.model.script({ kind: "stall", afterChunks: 3, text: words });
    const first = uiChunks(await caller.chat(id, "m1", "Say the words"));
    await expect.poll(async () => (await eventsSoFar(id)).includes("word2"), { timeout: 5_000 }).toBe(true);
    expect(await (await caller.post(`/api/chat/${id}/stop`, {})).json()).toEqual({ stopped: true });
    expect((await first).at(-1)?.type).toBe("abort");
    await app.background();
    expect((await messagesOf(caller, id)).map(textOf)).toEqual(["Say the words", "word0 word1 word2"]);
    scriptReply();
    expect(textOfChunks(await uiChunks(await caller.chat(id, "m2", "Hello")))).toBe("Hi there.");
    await app.background();
  });

  function scriptSlow(msPerChunk: number): void {
    app.stack.model.script({ kind: "slow", text: words, msPerChunk, times: 1 });
  }

  async function eventsSoFar(id: string): Promise<string> {
    const key = eventsKey(caller.userId, id);
    return (await app.redis.command(["LRANGE", key, 0, -1], readTexts)).join("\n");
  }
});

describe("an SSE reader of a conversation", () => {
  it("that is cut at every event in turn ends with exactly the full sequence", async () => {
    const id = freshId();
    await uiChunks(await caller.chat(id, "m1", "What is 2 + 3?"));
    scriptReply();
    await uiChunks(await caller.chat(id, "m2", "Hello"));
    await app.background();
    const whole = await readEvents(id, Number.POSITIVE_INFINITY);
    expect(whole.length).toBeGreaterThan(6);
    expect(new Set(whole).size).toBe(whole.length);
    const pieced: string[] = [];
    let lastId: string | undefined;
    while (pieced.length < whole.length) {
      const [one] = await readEvents(id, 1, lastId);
      pieced.push(one!);
      lastId = one!.split(" ")[0];
    }
    expect(pieced).toEqual(whole);
  });

  it("replays a thousand events in at most 2 commands", async () => {
    const id = freshId();
    const key = `events:{${caller.userId}}:${id}`;
    const entries = Array.from({ length: 1_000 }, (_, seq) => `5 ${seq} ${seq === 0 ? "o" : "-"} 1 ${eventJson(seq)}`);
    await fetch(app.stack.redisUrl, {
      method: "POST",
      headers: { authorization: `Bearer ${app.stack.redisToken}` },
      body: JSON.stringify(["RPUSH", key, ...entries]),
    });
    const before = app.stack.ledger.read().byCommand["LRANGE"] ?? 0;
    expect(await readEvents(id, 1_000)).toHaveLength(1_000);
    expect((app.stack.ledger.read().byCommand["LRANGE"] ?? 0) - before).toBeLessThanOrEqual(2);
  });

  it.each(["garbage", "99999999999999-4", "1-1"])(
    "with the Last-Event-ID %s is reset and told where the messages are",
    async (lastEventId) => {
      const id = freshId();
      scriptReply();
      await uiChunks(await caller.chat(id, "m1", "Hello"));
      await app.background();
      const [reset] = await readEvents(id, 1, lastEventId);
      expect(reset).toContain(`{"type":"reset","messagesUrl":"/api/conversations/${id}/messages"}`);
    },
  );

  it("with a cursor in the query that nobody issued is told so", async () => {
    const response = await caller.fetch(`/api/conversations/${freshId()}/events?after=nonsense`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_cursor" });
  });

  function eventJson(seq: number): string {
    const opening = {
      type: "workflow-started",
      runId: "r",
      messageId: "m",
      userMessage: { id: "u", text: "x" },
      at: 1,
    };
    return JSON.stringify(seq === 0 ? opening : { type: "message-delta", text: `t${seq}` });
  }

  /** `count` events, or all until the last turn's end. */
  async function readEvents(id: string, count: number, lastEventId?: string): Promise<string[]> {
    const aborter = new AbortController();
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const response = await caller.fetch(`/api/conversations/${id}/events`, { headers, signal: aborter.signal });
    const events: string[] = [];
    let endings = 0;
    for await (const event of sseEvents(response)) {
      events.push(`${event.id} ${event.event} ${event.data}`);
      if (event.event === "workflow-completed") endings += 1;
      if (events.length >= count || endings === 2) break;
    }
    aborter.abort();
    return events;
  }
});
