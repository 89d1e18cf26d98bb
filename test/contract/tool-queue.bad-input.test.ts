/** What the routes of tools refuse, and what a delivery must be to be heard. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ time: "stack" });
  caller = await app.signIn();
});
afterAll(() => app.close());

const parameters = { expression: "1 + 1" };

async function expectProblem(response: Response, status: number, code: string): Promise<Record<string, unknown>> {
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, code });
  return problem;
}

describe("POST /api/tools/:name/queue", () => {
  it.each([
    ["an unknown name", "calculatorr"],
    ["a slash", "calculator%2Fqueue"],
    ["slashes and dots", "..%2F..%2Fcalculator"],
    ["a file ending", "calculator.json"],
    ["encoded dots", "%2e%2e"],
    ["a zero byte", "calculator%00"],
    ["bytes that are no UTF-8", "%ff%fe"],
    ["a percent sign", "%25"],
    ["a name of Object", "constructor"],
    ["the prototype", "__proto__"],
    ["another case", "Calculator"],
    ["an encoded letter more", "calculator%20"],
    ["a very long name", "c".repeat(5_000)],
  ])("finds no tool by %s", async (_case, name) => {
    const response = await caller.post(`/api/tools/${name}/queue`, { parameters });
    await expectProblem(response, 404, "not_found");
  });

  it("finds the tool by its name in percent encoding, which is the same name", async () => {
    expect((await caller.post("/api/tools/%63alculator/queue", { parameters })).status).toBe(202);
  });

  it("needs a session", async () => {
    const init = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
    await expectProblem(await app.fetch("/api/tools/calculator/queue", init), 401, "unauthenticated");
  });

  it.each([
    ["parameters that do not fit the schema", { parameters: { expression: 5 } }, "/parameters/expression"],
    ["missing parameters", {}, "/parameters/expression"],
    ["parameters that are no object", { parameters: "1 + 1" }, "/parameters"],
    ["a negative delay", { parameters, delay: -1 }, "/delay"],
    ["half a second", { parameters, delay: 0.5 }, "/delay"],
    ["a delay beyond the queue's", { parameters, delay: limits.queueDelayMsMax / 1000 + 1 }, "/delay"],
    ["a delay in words", { parameters, delay: "10s" }, "/delay"],
    ["too many retries", { parameters, retries: limits.toolQueueRetriesMax + 1 }, "/retries"],
    ["negative retries", { parameters, retries: -1 }, "/retries"],
    ["an empty deduplication id", { parameters, deduplicationId: "" }, "/deduplicationId"],
    [
      "a deduplication id that is too long",
      { parameters, deduplicationId: "x".repeat(limits.deduplicationIdCharsMax + 1) },
      "/deduplicationId",
    ],
    ["a conversation id with a separator", { parameters, conversationId: "a:b" }, "/conversationId"],
    ["a user id of its own", { parameters, userId: "usr_00000000000000000000000000000000" }, "/userId"],
  ])("refuses %s", async (_case, body, pointer) => {
    const problem = await expectProblem(await caller.post("/api/tools/calculator/queue", body), 400, "bad_request");
    expect(problem["errors"]).toEqual([expect.objectContaining({ pointer })]);
  });

  it("takes each of these at its limit", async () => {
    const body = {
      parameters,
      delay: limits.queueDelayMsMax / 1000,
      retries: limits.toolQueueRetriesMax,
      deduplicationId: "雪".repeat(limits.deduplicationIdCharsMax),
    };
    expect((await caller.post("/api/tools/calculator/queue", body)).status).toBe(202);
  });

  it("refuses parameters of a megabyte, and those that are longer than a tool takes", async () => {
    const huge = await caller.post("/api/tools/calculator/queue", {
      parameters: { expression: "1".repeat(1_048_576) },
    });
    await expectProblem(huge, 413, "body_too_large");
    const long = await caller.post("/api/tools/remember/queue", {
      parameters: { key: "k", value: "v", more: "x".repeat(limits.toolInputCharsMax) },
    });
    await expectProblem(long, 400, "bad_request");
  });

  it.each([
    ["nothing", "", 400, "malformed_json"],
    ["half of a JSON text", '{"parameters":', 400, "malformed_json"],
    ["a list", "[]", 400, "bad_request"],
  ])("refuses %s as a body", async (_case, body, status, code) => {
    const init = { method: "POST", body, headers: { "content-type": "application/json" } };
    await expectProblem(await caller.fetch("/api/tools/calculator/queue", init), status, code);
  });

  it("keeps in the outbox what the queue does not take, for the sweep to send", async () => {
    app.stack.faults.add({ server: "qstash", action: "status", status: 500, match: "/api/tools/calculator" });
    const response = await caller.post("/api/tools/calculator/queue", { parameters });
    app.stack.faults.clear();
    expect(response.status).toBe(202);
    const { executionId } = (await response.json()) as { executionId: string };
    await app.sweep();
    await app.settled();
    const execution = await caller.fetch(`/api/tools/executions/${executionId}`);
    expect(await execution.json()).toMatchObject({ status: "completed" });
  });

  it("promises nothing when Redis does not answer", async () => {
    app.stack.faults.add({ server: "redis", action: "drop-before", match: "queuedAtMs" });
    const response = await caller.post("/api/tools/calculator/queue", { parameters });
    app.stack.faults.clear();
    await expectProblem(response, 503, "redis_unavailable");
  });
});

describe("GET /api/tools/executions/:id", () => {
  it("shows an execution to its owner only", async () => {
    const { executionId } = await queueTool(caller, "calculator", { parameters });
    const other = await app.signIn();
    await expectProblem(await other.fetch(`/api/tools/executions/${executionId}`), 404, "not_found");
    await expectProblem(await app.fetch(`/api/tools/executions/${executionId}`), 401, "unauthenticated");
    expect(await readExecution(caller, executionId)).toMatchObject({ executionId });
  });

  it.each(["exe_", "exe_00000000000000000000000000000000", "..%2F..", "%00", "constructor"])(
    "finds nothing under %j",
    async (id) => {
      await expectProblem(await caller.fetch(`/api/tools/executions/${id}`), 404, "not_found");
    },
  );
});

describe("without QStash", () => {
  let alone: TestApp;
  let guest: TestCaller;
  beforeAll(async () => {
    alone = await startTestApp({ bindings: { QSTASH_TOKEN: "", QUEUE: "fetch" } });
    guest = await alone.signIn();
  });
  afterAll(() => alone.close());

  it("the app calls itself, once", async () => {
    const { executionId, messageId } = await queueTool(guest, "calculator", { parameters });
    expect(messageId).toBe(`local_${executionId}`);
    await alone.settled();
    await expect.poll(() => readExecution(guest, executionId)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("a longer delay is refused, since nobody would wait for it", async () => {
    const response = await guest.post("/api/tools/calculator/queue", { parameters, delay: 60 });
    await expectProblem(response, 422, "unsupported");
  });
});
