import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { textOfChunks, uiChunks } from "../support/sse.ts";
import { chatBody, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** A caller of its own for each case: the chat limit is 20 a minute. */
async function freshCaller(): Promise<TestCaller> {
  caller = await app.signIn();
  return caller;
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  expect(problem.requestId).toBe(response.headers.get("x-request-id"));
  return problem;
}

const user = (over: object = {}): object => ({
  id: "m1",
  role: "user",
  parts: [{ type: "text", text: "hi" }],
  ...over,
});
const json = { "content-type": "application/json" };

describe("POST /api/chat", () => {
  const bodies: [string, string, number, string][] = [
    ["nothing", "", 400, "malformed_json"],
    ["half of a JSON text", '{"id":"c"', 400, "malformed_json"],
    ["no object", "[]", 400, "bad_request"],
    ["null", "null", 400, "bad_request"],
    ["no messages", '{"id":"c","messages":[]}', 400, "bad_request"],
    ["messages of the wrong type", '{"id":"c","messages":"hi"}', 400, "bad_request"],
    [
      "a last message of the assistant",
      JSON.stringify({ id: "c", messages: [user({ role: "assistant" })] }),
      400,
      "bad_request",
    ],
    ["a message without text", JSON.stringify({ id: "c", messages: [user({ parts: [] })] }), 400, "bad_request"],
    [
      "a message of blanks",
      JSON.stringify({ id: "c", messages: [user({ parts: [{ type: "text", text: " \n" }] })] }),
      400,
      "bad_request",
    ],
    [
      "a text that is a number",
      JSON.stringify({ id: "c", messages: [user({ parts: [{ type: "text", text: 5 }] })] }),
      400,
      "bad_request",
    ],
    ["a message id with a colon", JSON.stringify({ id: "c", messages: [user({ id: "a:b" })] }), 400, "bad_request"],
    ["a conversation id with braces", JSON.stringify({ id: "{x}", messages: [user()] }), 400, "bad_request"],
    [
      "a conversation id of 129 characters",
      JSON.stringify({ id: "x".repeat(129), messages: [user()] }),
      400,
      "bad_request",
    ],
    ["a trigger that is none", JSON.stringify({ id: "c", messages: [user()], trigger: "explode" }), 400, "bad_request"],
    ["a text one character over the limit", chat("x".repeat(limits.messageTextCharsMax + 1)), 400, "bad_request"],
    ["more bytes than the limit", chat("x".repeat(limits.chatBodyBytesMax)), 413, "body_too_large"],
  ];

  it.each(bodies)("with %s is refused in words, and nothing is stored", async (_name, body, status, code) => {
    const who = await freshCaller();
    app.stack.ledger.reset();
    const response = await who.fetch("/api/chat", { method: "POST", headers: json, body });
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
    expect(app.stack.ledger.read().modelCalls).toBe(0);
    expect(app.stack.ledger.read().byCommand["RPUSH"]).toBeUndefined();
  });

  it("takes a text of exactly the limit, and fields that it does not know", async () => {
    const who = await freshCaller();
    app.stack.model.script({ kind: "reply", text: "long, that" });
    const body = {
      ...chatBody("c", "m1", "x".repeat(limits.messageTextCharsMax)),
      unheardOf: { of: true },
      messageId: "whatever",
    };
    expect(textOfChunks(await uiChunks(await who.post("/api/chat", body)))).toBe("long, that");
    await app.background();
  });

  it("with another media type is refused", async () => {
    const response = await (
      await freshCaller()
    ).fetch("/api/chat", { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" });
    expect(await problemOf(response)).toMatchObject({ status: 415, code: "unsupported_media_type" });
  });

  it("takes who asks from the session, whatever the body says", async () => {
    const owner = await freshCaller();
    const intruder = await app.signIn();
    app.stack.model.script({ kind: "reply", text: "hello" });
    await uiChunks(await intruder.post("/api/chat", { ...chatBody("shared", "m1", "hi"), userId: owner.userId }));
    await app.background();
    expect(await (await owner.fetch("/api/conversations")).json()).toEqual({ conversations: [] });
  });

  it.each([
    ["none", ""],
    ["a forged one", "session=usr_00000000000000000000000000000000.AAAA.9999999999.AAAA"],
    ["an empty one", "session="],
    ["nonsense", "session=%%%"],
  ])("with %s for a cookie is 401", async (_name, cookie) => {
    const response = await app.fetch("/api/chat", { method: "POST", headers: { ...json, cookie }, body: chat("hi") });
    expect(await problemOf(response)).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  it("with the cookie of a session that was ended is 401, and nothing is answered", async () => {
    const who = await freshCaller();
    expect((await who.fetch("/api/sessions/current", { method: "DELETE" })).status).toBe(204);
    app.stack.ledger.reset();
    expect(await problemOf(await who.chat("c", "m1", "hi"))).toMatchObject({ status: 401 });
    expect(app.stack.ledger.read().modelCalls).toBe(0);
  });

  it("with another user's id in a genuine cookie is 401", async () => {
    const who = await freshCaller();
    const other = await app.signIn();
    const cookie = who.cookie.replace(who.userId, other.userId);
    expect(await problemOf(await app.fetch("/api/conversations", { headers: { cookie } }))).toMatchObject({
      status: 401,
    });
  });

  it("from another site's page is 403", async () => {
    const response = await (
      await freshCaller()
    ).post("/api/chat", chatBody("c", "m1", "hi"), { headers: { origin: "https://evil.test" } });
    expect(await problemOf(response)).toMatchObject({ status: 403, code: "forbidden_origin" });
  });

  it("more than 20 times a minute is 429 and says when to come back", async () => {
    const who = await freshCaller();
    app.stack.model.script({ kind: "reply", text: "ok", times: 20 });
    for (let turn = 1; turn <= 20; turn += 1) await uiChunks(await who.chat("limited", `m${turn}`, "hi"));
    await app.background();
    const response = await who.chat("limited", "m21", "hi");
    expect(await problemOf(response)).toMatchObject({ status: 429, code: "rate_limited" });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(response.headers.get("x-ratelimit-limit")).toBe("20");
    // The isolate tells the sum of refusals behind an answer, once in a minute.
    await app.background();
    app.stack.ledger.reset();
    expect((await who.chat("limited", "m22", "hi")).status).toBe(429);
    // The isolate remembers who is over the limit.
    await app.background();
    expect(app.stack.ledger.read()).toMatchObject({ commands: 0, modelCalls: 0 });
    expect((await who.fetch("/api/conversations")).status).toBe(200);
  });
});

describe("a model that", () => {
  const faults: [string, Parameters<TestApp["stack"]["model"]["script"]>[0], string][] = [
    ["answers garbage", { kind: "garbage" }, ""],
    ["answers 429", { kind: "rate-limited", retryAfterSeconds: 7 }, ""],
    ["answers 500", { kind: "server-error" }, ""],
    ["answers nothing", { kind: "empty" }, ""],
    ["stops half-way", { kind: "half", afterChunks: 2, text: "one two three four" }, "one two"],
    ["is cut off in the middle of a token", { kind: "cut", afterChunks: 2, text: "one two three four" }, "one two"],
    [
      "calls a tool that does not exist",
      { kind: "tool-calls", calls: [{ name: "launch_rockets", arguments: {} }] },
      "",
    ],
    [
      "calls a tool with arguments that are no JSON",
      { kind: "tool-calls", calls: [{ name: "calculator", arguments: "{oops" }] },
      "",
    ],
  ];

  it.each(faults)("%s leaves words and a usable conversation", async (_name, behaviour, kept) => {
    const who = await freshCaller();
    app.stack.model.reset();
    app.stack.model.script(behaviour);
    app.stack.model.script({ kind: "reply", text: "all is well", times: 2 });
    const chunks = await uiChunks(await who.chat("c", "m1", "hi"));
    await app.background();
    expect(["error", "finish"]).toContain(chunks.at(-1)?.type);
    if (chunks.at(-1)?.type === "error") expect(textOfChunks(chunks).trim()).toBe(kept);
    expect((await who.fetch("/api/chat/c/stream")).status).toBe(204);
    expect(textOfChunks(await uiChunks(await who.chat("c", "m2", "still there?")))).toBe("all is well");
    await app.background();
    const { messages } = (await (await who.fetch("/api/conversations/c/messages")).json()) as {
      messages: { role: string }[];
    };
    expect(messages[0]?.role).toBe("user");
    expect(messages.at(-1)?.role).toBe("assistant");
  });
});

describe("an unknown route", () => {
  it.each(["/api/nothing", "/api/chat/x/y/z", "/nothing"])("%s is 404 as a problem", async (path) => {
    expect(await problemOf(await app.fetch(path))).toMatchObject({ status: 404, code: "not_found" });
  });
});

function chat(text: string): string {
  return JSON.stringify(chatBody("c", "m1", text));
}
