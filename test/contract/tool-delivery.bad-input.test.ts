/** What a delivery of a queued call, and a failure callback, must be to be heard. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { signDelivery } from "../../stack/qstash/signature.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { deliver, queueTool, readExecution } from "../support/tool-client.ts";

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

describe("a delivery to POST /api/tools/:name", () => {
  const order = () => ({
    userId: caller.userId,
    executionId: `exe_${crypto.randomUUID().replaceAll("-", "")}`,
    agentId: "chat",
    scopes: ["*"],
    tool: "calculator",
    digest: "d",
    queuedAtMs: 1,
    notBeforeMs: 1,
    retries: 3,
    parameters,
  });
  const path = "/api/tools/calculator";

  it("is heard when either key signed it", async () => {
    for (const key of [app.stack.currentSigningKey, app.stack.nextSigningKey]) {
      const response = await deliver(app, path, order(), { key });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ result: { expression: "1 + 1", result: "2" } });
    }
  });

  it("is refused without a signature, with another key's, another body's or another path's, and leaves nothing behind", async () => {
    const sent = order();
    const body = JSON.stringify(sent);
    const unsigned = { method: "POST", body, headers: { "content-type": "application/json" } };
    await expectProblem(await app.fetch(path, unsigned), 401, "invalid_signature");
    await expectProblem(await deliver(app, path, body, { key: "sig_other" }), 401, "invalid_signature");
    const forPath = await deliver(app, path, body, { signedPath: "/api/tools/remember" });
    await expectProblem(forPath, 401, "invalid_signature");
    const forBody = await deliver(app, path, `${body} `, { headers: { "Upstash-Signature": signatureOf(body) } });
    await expectProblem(forBody, 401, "invalid_signature");
    await expectProblem(await caller.fetch(`/api/tools/executions/${sent.executionId}`), 404, "not_found");
  });

  it("is refused with the session of a user, who may only queue", async () => {
    const init = { method: "POST", body: JSON.stringify(order()), headers: { "content-type": "application/json" } };
    await expectProblem(await caller.fetch(path, init), 401, "invalid_signature");
  });

  it.each([
    ["no JSON", "{"],
    ["another shape", { hello: 1 }],
    ["a user id that is none", { userId: "someone" }],
    ["the name of another tool", { tool: "remember" }],
  ])("with %s is never tried again", async (_case, over) => {
    const body = typeof over === "string" ? over : { ...order(), ...over };
    const broken = typeof over !== "string" && "hello" in over ? over : body;
    const response = await deliver(app, path, broken);
    expect(response.status).toBe(489);
    expect(response.headers.get("Upstash-NonRetryable-Error")).toBe("true");
  });

  it("of a tool that is no more is never tried again, and its execution says why", async () => {
    const gone = { ...order(), tool: "gone_tool" };
    const response = await deliver(app, "/api/tools/gone_tool", gone);
    expect(response.status).toBe(489);
    expect(await readExecution(caller, gone.executionId)).toMatchObject({
      status: "failed",
      error: { code: "unknown_tool" },
    });
  });

  it("with scopes that do not cover the tool is never tried again", async () => {
    const response = await deliver(app, "/api/tools/remember", { ...order(), tool: "remember", scopes: ["web:read"] });
    expect(response.status).toBe(489);
    expect(await response.json()).toMatchObject({ error: { code: "not_allowed" } });
  });

  it.each(["a%2Fb", "..%2Fengine", "Calculator", "calculator%00", "%ff"])(
    "to the name %j finds no tool",
    async (name) => {
      await expectProblem(await deliver(app, `/api/tools/${name}`, order()), 404, "not_found");
    },
  );

  it("that is too large is refused unread", async () => {
    const response = await deliver(app, path, { ...order(), parameters: "x".repeat(limits.toolOrderBytesMax) });
    await expectProblem(response, 413, "body_too_large");
  });

  it("before its record makes the record", async () => {
    const sent = order();
    await deliver(app, path, sent);
    expect(await readExecution(caller, sent.executionId)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("with another input than the execution's is dropped", async () => {
    const sent = order();
    await deliver(app, path, sent);
    const other = await deliver(app, path, { ...sent, digest: "other", parameters: { expression: "2 + 2" } });
    expect(other.status).toBe(200);
    expect(await other.json()).toEqual({ outcome: "dropped" });
    expect(await readExecution(caller, sent.executionId)).toMatchObject({ result: { result: "2" } });
  });

  function signatureOf(body: string): string {
    const signed = { url: `${app.url}${path}`, body: Buffer.from(body), issuedAtMs: Date.now() };
    return signDelivery({ ...signed, signingKey: app.stack.currentSigningKey });
  }
});

describe("POST /api/webhooks/qstash/failure", () => {
  const callback = {
    status: 500,
    body: btoa("it broke"),
    retried: 3,
    maxRetries: 3,
    sourceMessageId: "msg_1",
    dlqId: "1-1",
  };
  const pathOf = (query: Record<string, string>) =>
    `/api/webhooks/qstash/failure?${new URLSearchParams(query).toString()}`;

  async function completed(): Promise<Record<string, string>> {
    const { executionId } = await queueTool(caller, "calculator", { parameters });
    await app.settled();
    return { kind: "tool", userId: caller.userId, executionId };
  }

  it("is refused without a signature, and with one for another execution", async () => {
    const query = await completed();
    const init = { method: "POST", body: JSON.stringify(callback), headers: { "content-type": "application/json" } };
    await expectProblem(await app.fetch(pathOf(query), init), 401, "invalid_signature");
    const other = pathOf({ ...query, executionId: "exe_00000000000000000000000000000000" });
    await expectProblem(await deliver(app, pathOf(query), callback, { signedPath: other }), 401, "invalid_signature");
  });

  it("changes nothing of an execution that has completed all the same", async () => {
    const query = await completed();
    const response = await deliver(app, pathOf(query), callback);
    expect(await response.json()).toEqual({ outcome: "ignored" });
    expect(await readExecution(caller, query["executionId"] ?? "")).toMatchObject({ status: "completed" });
  });

  it("of an execution that nobody knows any more is no failure", async () => {
    const query = { kind: "tool", userId: caller.userId, executionId: "exe_00000000000000000000000000000000" };
    const response = await deliver(app, pathOf(query), callback);
    expect([response.status, await response.json()]).toEqual([200, { outcome: "ignored" }]);
  });

  it.each([
    ["of another kind", { kind: "other" }, callback],
    ["without an id", { executionId: "" }, callback],
    ["with a body that is none of the queue's", {}, { hello: 1 }],
  ])("%s is never tried again", async (_case, over, body) => {
    const query = { kind: "tool", userId: caller.userId, executionId: "exe_00000000000000000000000000000000", ...over };
    expect((await deliver(app, pathOf(query), body)).status).toBe(489);
  });
});
