import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { readStream, startModelServer, userMessage } from "./model-server.ts";
import type { ModelServer } from "./model-server.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});
afterAll(() => model.close());
beforeEach(() => {
  model.stack.model.reset();
  model.stack.faults.clear();
  model.stack.clock.release();
  model.stack.ledger.reset();
});

const hello = { messages: [userMessage("hello")] };
const streamed = { ...hello, stream: true };

test("behaviours are taken in their order, and then the model answers by itself", async () => {
  model.stack.model.script({ kind: "reply", text: "first" }, { kind: "reply", chunks: ["sec", "ond"] });
  expect((await readStream(await model.ask(streamed))).text).toBe("first");
  const second = await readStream(await model.ask(streamed));
  expect(second.chunks.slice(1, 3).map((chunk) => chunk.choices[0]?.delta.content)).toEqual(["sec", "ond"]);
  expect((await readStream(await model.ask(streamed))).text).toContain("offline demo model");
});

test("a behaviour with match waits for its call, and one with times serves several", async () => {
  model.stack.model.script({ kind: "reply", text: "for apples", match: "apples", times: 2 });
  expect((await readStream(await model.ask(streamed))).text).not.toBe("for apples");
  const apples = { messages: [userMessage("apples")], stream: true };
  expect((await readStream(await model.ask(apples))).text).toBe("for apples");
  expect((await readStream(await model.ask(apples))).text).toBe("for apples");
  expect(model.stack.model.queued()).toEqual([]);
});

test("slow tokens leave only as the frozen clock is advanced", async () => {
  model.stack.clock.freeze();
  model.stack.model.script({ kind: "slow", text: "one two three", msPerChunk: 1_000 });
  const response = await model.ask(streamed);
  const sent = (): number => model.stack.model.requests()[0]?.chunksSent ?? 0;
  expect(sent()).toBe(1);
  await model.stack.clock.advance(2_000);
  expect(sent()).toBe(3);
  await model.stack.clock.advance(60_000);
  expect(await readStream(response)).toMatchObject({ text: "one two three", isDone: true });
});

test("a stalled answer stays open until the caller leaves, and the log says that it left", async () => {
  model.stack.model.script({ kind: "stall", afterChunks: 2, text: "a b c d" });
  const leave = new AbortController();
  const response = await model.ask(streamed, { signal: leave.signal });
  let received = "";
  const reading = readStream(response, (raw) => (received = raw));
  await vi.waitFor(() => expect(received).toContain('" b"'));
  expect(model.stack.model.requests()[0]?.outcome).toBe("running");
  leave.abort();
  expect((await reading).text).toBe("a b");
  await vi.waitFor(() => expect(model.stack.model.requests()[0]?.outcome).toBe("aborted"));
});

test("a cut answer ends in the middle of a line with a broken connection", async () => {
  model.stack.model.script({ kind: "cut", afterChunks: 2, text: "a b c d" });
  const { text, error, isDone, raw } = await readStream(await model.ask(streamed));
  expect({ text, isDone }).toEqual({ text: "a b", isDone: false });
  expect(error).toBeDefined();
  expect(raw.endsWith("\n\n")).toBe(false);
  await vi.waitFor(() => expect(model.stack.model.requests()[0]?.outcome).toBe("cut"));
});

test("half an answer ends properly at the connection but without finish reason and [DONE]", async () => {
  model.stack.model.script({ kind: "half", afterChunks: 2, text: "a b c d" });
  const { text, error, isDone, chunks } = await readStream(await model.ask(streamed));
  expect({ text, error, isDone }).toEqual({ text: "a b", error: undefined, isDone: false });
  expect(chunks.every((chunk) => chunk.choices[0]?.finish_reason === null)).toBe(true);
});

test("a rate limit is 429 with Retry-After, a server error 500, and neither is billed", async () => {
  model.stack.model.script({ kind: "rate-limited", retryAfterSeconds: 7 }, { kind: "server-error" });
  const limited = await model.ask(hello);
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(await limited.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
  const failed = await model.ask(hello);
  expect([failed.status, ((await failed.json()) as { error: { type: string } }).error.type]).toEqual([
    500,
    "server_error",
  ]);
  expect(model.stack.ledger.read().modelCalls).toBe(0);
});

test("garbage and an empty body come with status 200", async () => {
  model.stack.model.script({ kind: "garbage" }, { kind: "empty" });
  const garbage = await model.ask(streamed);
  expect([garbage.status, (await garbage.text()).includes("%%%")]).toEqual([200, true]);
  const empty = await model.ask(streamed);
  expect([empty.status, await empty.text()]).toEqual([200, ""]);
});

test("300 tiny chunks are 300 content deltas", async () => {
  model.stack.model.script({ kind: "tiny-chunks", count: 300 });
  const { chunks } = await readStream(await model.ask(streamed));
  expect(chunks.filter((chunk) => (chunk.choices[0]?.delta.content ?? "") !== "")).toHaveLength(300);
});

test("scripted tool calls are sent as ordered, even to a tool that is not offered", async () => {
  model.stack.model.script({ kind: "tool-calls", calls: [{ name: "ghost", arguments: "{not json" }] });
  const { chunks } = await readStream(await model.ask(streamed));
  const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
  expect(deltas.map((delta) => delta.function.arguments ?? "").join("")).toBe("{not json");
  expect(deltas[0]?.function.name).toBe("ghost");
});

test("the control route queues behaviours, shows what came in, and refuses typos in words", async () => {
  const at = `${model.stack.url}/_stack/model`;
  const post = (body: unknown): Promise<Response> => fetch(at, { method: "POST", body: JSON.stringify(body) });
  expect((await post([{ kind: "reply", text: "x" }])).status).toBe(201);
  const refused = await post({ kind: "reply", txt: "x" });
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("unknown field txt")]);
  expect((await readStream(await model.ask(streamed))).text).toBe("x");
  const shown = (await (await fetch(at)).json()) as { requests: { body: { messages: unknown } }[]; queued: unknown[] };
  expect(shown.requests[0]?.body.messages).toEqual(hello.messages);
  expect((await fetch(at, { method: "DELETE" })).status).toBe(204);
  expect(model.stack.model.requests()).toEqual([]);
});

test.each([
  ["drop-before", { action: "drop-before" }, 0],
  ["drop-after", { action: "drop-after" }, 1],
] as const)("%s breaks the connection without an answer", async (_name, fault, modelCalls) => {
  model.stack.faults.add({ server: "model", count: 1, ...fault });
  await expect(model.ask(hello)).rejects.toThrow();
  expect(model.stack.ledger.read().modelCalls).toBe(modelCalls);
  expect((await model.ask(hello)).status).toBe(200);
});

test("the other faults: a status, a truncated body, a duplicate bill, a delay on the clock", async () => {
  const { faults, clock, ledger } = model.stack;
  faults.add({
    server: "model",
    action: "status",
    status: 529,
    headers: { "retry-after": "3" },
    body: "busy",
    count: 1,
  });
  const busy = await model.ask(hello);
  expect([busy.status, busy.headers.get("retry-after"), await busy.text()]).toEqual([529, "3", "busy"]);

  faults.add({ server: "model", action: "truncate", truncateBytes: 100, count: 1 });
  const truncated = await readStream(await model.ask(streamed));
  expect([truncated.raw.length, truncated.error === undefined]).toEqual([100, false]);

  ledger.reset();
  faults.add({ server: "model", action: "duplicate", count: 1 });
  await (await model.ask(hello)).text();
  expect(ledger.read().modelCalls).toBe(2);

  clock.freeze();
  model.stack.model.reset();
  faults.add({ server: "model", action: "delay", delayMs: 5_000, count: 1 });
  const late = model.ask(hello);
  await vi.waitFor(() => expect(model.stack.model.requests()).toHaveLength(1));
  expect(model.stack.model.requests()[0]?.status).toBe(0);
  await clock.advance(5_000);
  expect((await late).status).toBe(200);
});
