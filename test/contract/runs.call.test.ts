/** `ctx.call` over the real app: QStash makes the request, and nobody waits in the Worker. */
import * as z from "zod/mini";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { JsonValue } from "../../src/core/json.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { serveFetch, type ServedFetch } from "../support/serve-fetch.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

const Ask = z.object({
  url: z.string(),
  method: z.optional(z.enum(["GET", "POST", "PUT"])),
  body: z.optional(z.unknown()),
  retries: z.optional(z.number()),
  timeoutMs: z.optional(z.number()),
});

const ask = defineRun({
  name: "ask",
  version: 1,
  input: Ask,
  async run(ctx: RunContext<RunServices>, { url, timeoutMs, body, method, retries = 0 }) {
    return ctx.call("question", {
      url,
      retries,
      headers: { "x-from": "a run" },
      ...(method === undefined ? {} : { method }),
      ...(body === undefined ? {} : { body: body as JsonValue }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
  },
});

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly from: string | null;
}

let app: TestApp;
let oracle: ServedFetch;
let runs: RunClient;
let asked: Asked[] = [];
let reply: (count: number) => Response | Promise<Response> = () => new Response("42");
beforeAll(async () => {
  app = await startTestApp({ definitions: [ask], time: "stack" });
  oracle = await serveFetch(async (request) => {
    const { method, url, headers } = request;
    asked.push({ method, url: new URL(url).pathname, body: await request.text(), from: headers.get("x-from") });
    return reply(asked.length);
  });
});
beforeEach(async () => {
  runs = runClient(await app.signIn());
  asked = [];
  reply = () => new Response("42");
});
afterAll(async () => {
  await app.close();
  await oracle.close();
});

async function started(input: Record<string, unknown> = {}): Promise<string> {
  const runId = await runs.start("ask", { url: `${oracle.url}/question`, ...input });
  await app.background();
  return runId;
}

async function ended(input: Record<string, unknown> = {}) {
  const runId = await started(input);
  await app.settled();
  return runs.view(runId);
}

describe("a call", () => {
  it("brings back the status and the body of the answer", async () => {
    reply = () => new Response("the answer is 42 ✓", { status: 203 });
    expect(await ended()).toMatchObject({ status: "completed", output: { status: 203, body: "the answer is 42 ✓" } });
    expect(asked).toEqual([{ method: "GET", url: "/question", body: "", from: "a run" }]);
  });

  it("sends method, headers and body", async () => {
    await ended({ body: { why: "because" } });
    await ended({ method: "PUT", body: [1] });
    expect(asked.map(({ method, body }) => [method, body])).toEqual([
      ["POST", '{"why":"because"}'],
      ["PUT", "[1]"],
    ]);
  });

  it("of a slow service holds no segment: the run waits", async () => {
    const answer = Promise.withResolvers<Response>();
    reply = () => answer.promise;
    const runId = await started();
    await expect.poll(() => asked.length).toBe(1);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", segments: 1, waits: [{ step: "question" }] });
    answer.resolve(new Response("late"));
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { status: 200, body: "late" } });
  });

  it("that is answered with an error status brings it back: also that is an answer", async () => {
    reply = () => new Response("broken", { status: 500 });
    expect(await ended()).toMatchObject({ status: "completed", output: { status: 500, body: "broken" } });
    expect(asked).toHaveLength(1);
  });

  it("is tried again as often as was asked, and only the last answer comes back", async () => {
    reply = (count) => new Response(`try ${count}`, { status: 503 });
    const runId = await started({ retries: 2 });
    await app.stack.clock.advance(60 * 60_000);
    await app.settled();
    expect(asked).toHaveLength(3);
    expect(await runs.view(runId)).toMatchObject({ output: { status: 503, body: "try 3" } });
  });

  it("that succeeds at the second try brings that answer", async () => {
    reply = (count) => new Response(`try ${count}`, { status: count === 1 ? 500 : 200 });
    const runId = await started({ retries: 5 });
    await app.stack.clock.advance(60 * 60_000);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ output: { status: 200, body: "try 2" } });
  });

  it("to where nobody listens ends with status 0", async () => {
    const gone = await serveFetch(async () => new Response());
    await gone.close();
    expect(await ended({ url: gone.url })).toMatchObject({ status: "completed", output: { status: 0 } });
  });

  it("with an answer over the limit says so instead of bringing it, also with one of 10 MB", async () => {
    const isTooLarge = { status: 200, body: "", isTooLarge: true };
    reply = () => new Response("x".repeat(limits.callAnswerCharsMax));
    expect((await ended()).output).toMatchObject({ status: 200, body: "x".repeat(limits.callAnswerCharsMax) });
    reply = () => new Response("x".repeat(limits.callAnswerCharsMax + 1));
    expect((await ended()).output).toEqual(isTooLarge);
    reply = () => new Response("x".repeat(11 * 1024 * 1024));
    expect((await ended()).output).toEqual(isTooLarge);
  });

  it("brings an empty answer as an empty text, and bytes that are no text as far as they can be read", async () => {
    reply = () => new Response(null, { status: 204 });
    expect((await ended()).output).toEqual({ status: 204, body: "" });
    reply = () => new Response(new Uint8Array([0x6f, 0x6b, 0xff]));
    expect((await ended()).output).toEqual({ status: 200, body: "ok\ufffd" });
  });

  it("to what is no address fails its step in words, and the run with it", async () => {
    const view = await ended({ url: "nowhere" });
    expect(view).toMatchObject({ status: "failed", failure: { name: "NonRetryableError" } });
    expect(view.failure?.message).toContain("refused");
  });

  it("whose answer is lost for good fails its step when the time for all attempts is over", async () => {
    app.stack.faults.add({ server: "delivery", match: "call-result", action: "status", status: 503 });
    const runId = await started({ timeoutMs: 60_000 });
    await app.stack.clock.advance(limits.callPauseMs);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    await app.stack.clock.advance(61_000);
    await app.settled();
    app.stack.faults.clear();
    expect(await runs.view(runId)).toMatchObject({ status: "failed", failure: { code: "answer_lost" } });
  });

  it("is made once when its segment dies before the wait is recorded", async () => {
    const answer = Promise.withResolvers<Response>();
    reply = () => answer.promise;
    app.stack.faults.add({ server: "redis", match: "RPUSHX", action: "drop-before", count: limits.flushAttemptsMax });
    const runId = await started();
    expect(await runs.view(runId)).toMatchObject({ status: "running", steps: 0 });
    answer.resolve(new Response("42"));
    await app.stack.clock.advance(limits.leaseMs + limits.sweepSlackMs + 1);
    await app.sweep();
    await app.settled();
    expect(asked).toHaveLength(1);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { body: "42" } });
  });

  it("whose answer comes before its wait is recorded gets it all the same", async () => {
    app.stack.faults.add({ server: "redis", match: "RPUSHX", action: "delay", delayMs: 1_000, count: 1 });
    const runId = await runs.start("ask", { url: `${oracle.url}/question` });
    await expect.poll(() => asked.length).toBe(1);
    await app.stack.clock.advance(1_000);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { body: "42" } });
  });

  it("waits in the outbox when QStash is down, and is made once it is there again", async () => {
    app.stack.faults.add({ server: "qstash", action: "status", status: 500 });
    const runId = await started();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    app.stack.faults.clear();
    await app.stack.clock.advance(limits.leaseMs + limits.sweepSlackMs + 1);
    await app.sweep();
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
    expect(asked).toHaveLength(1);
  });
});

describe("a call in real time", () => {
  it("that is never answered ends after its time, with status 0", async () => {
    const real = await startTestApp({ definitions: [ask] });
    const never = Promise.withResolvers<Response>();
    reply = () => never.promise;
    const mine = runClient(await real.signIn());
    const runId = await mine.start("ask", { url: `${oracle.url}/question`, timeoutMs: 1_000 });
    await real.settled();
    const { output } = await mine.view(runId);
    expect(output).toEqual({ status: 0, body: expect.stringContaining("timeout") });
    never.resolve(new Response());
    await real.close();
  });
});
