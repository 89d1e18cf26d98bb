/** `POST /api/execute` over the real app: what starts a run, and what does not. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { rawJournal, redisCommand, runClient } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { quietSteps, toldSteps, waitForGo } from "../support/test-runs.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ definitions: [toldSteps, quietSteps, waitForGo] });
  caller = await app.signIn();
});
afterAll(() => app.close());

async function execute(body: unknown, headers: Record<string, string> = {}) {
  const response = await caller.post("/api/execute", body, { headers });
  return { status: response.status, headers: response.headers, json: (await response.json()) as Record<string, any> };
}

async function countRuns(): Promise<unknown> {
  return redisCommand(app.stack, ["ZCARD", `runs:{${caller.userId}}`]);
}

describe("starting a run", () => {
  it("is answered with 202 and the place of the run once it is recorded, while its first segment goes on", async () => {
    const { status, headers, json } = await execute({ name: "wait-for-go" });
    expect(status).toBe(202);
    expect(headers.get("Location")).toBe(`/api/runs/${String(json["runId"])}`);
    expect(json).toMatchObject({ definition: "wait-for-go", version: 1, status: "running" });
    await app.settled();
    expect(await runClient(caller).view(String(json["runId"]))).toMatchObject({
      status: "waiting",
      segments: 1,
      steps: 1,
    });
  });

  it("that prefers to wait is answered with 200 and the output when the run ends in that time", async () => {
    const { status, json } = await execute({ name: "told-steps", input: { count: 3 } }, { Prefer: "wait=10" });
    expect([status, json["status"], json["output"]]).toEqual([200, "completed", 3]);
  });

  it("that prefers to wait is answered with 202 as soon as the run has to wait itself", async () => {
    const startedAtMs = Date.now();
    const { status, json } = await execute({ name: "wait-for-go" }, { Prefer: "respond-async, wait=20" });
    expect([status, json["status"], json["waits"]]).toEqual([
      202,
      "waiting",
      [{ step: "go", signal: "go", until: expect.any(Number) }],
    ]);
    expect(Date.now() - startedAtMs).toBeLessThan(20_000);
  });

  it("takes a version that is asked for, and a conversation", async () => {
    const { json } = await execute({ name: "wait-for-go", version: 1, conversationId: "c-1" });
    expect(json).toMatchObject({ version: 1, conversationId: "c-1" });
    await app.settled();
  });
});

describe("an Idempotency-Key", () => {
  it("starts one run, however often the request comes, also at once", async () => {
    const before = Number(await countRuns());
    const once = () =>
      execute({ name: "told-steps", input: { count: 2 } }, { "Idempotency-Key": "k1", Prefer: "wait=5" });
    const answers = await Promise.all([once(), once(), once()]);
    await app.settled();
    answers.push(await once());
    expect(new Set(answers.map(({ json }) => String(json["runId"]))).size).toBe(1);
    expect(answers.at(-1)).toMatchObject({ status: 200, json: { status: "completed", output: 1 } });
    expect(Number(await countRuns()) - before).toBe(1);
    const journal = await rawJournal(app.stack, { userId: caller.userId, runId: String(answers[0]?.json["runId"]) });
    expect(journal.filter((entry) => entry.includes(" done "))).toHaveLength(2);
  });

  it.each([
    ["another input", { name: "told-steps", input: { count: 4 } }],
    ["another definition", { name: "quiet-steps", input: { count: 3 } }],
    ["another conversation", { name: "told-steps", input: { count: 3 }, conversationId: "c-2" }],
  ])("with %s is 409, and the run that has it goes its way", async (what, other) => {
    const key = { "Idempotency-Key": what.replaceAll(" ", "-") };
    const first = await execute({ name: "told-steps", input: { count: 3 } }, key);
    const refused = await execute(other, key);
    expect([refused.status, refused.json["code"]]).toEqual([409, "run_refused"]);
    await app.settled();
    expect(await runClient(caller).view(String(first.json["runId"]))).toMatchObject({ status: "completed", output: 3 });
  });

  it("belongs to its user: the same key of another starts a run of theirs", async () => {
    const other = runClient(await app.signIn());
    const mine = await execute({ name: "told-steps", input: { count: 1 } }, { "Idempotency-Key": "shared" });
    const theirs = await other.start("told-steps", { count: 1 }, { "Idempotency-Key": "shared" });
    expect(theirs).not.toBe(mine.json["runId"]);
    await app.settled();
  });

  it.each(["", "k".repeat(256), "with space", "näher"])("of %j is 400", async (key) => {
    // What no header can hold never reaches us; the rest is refused in words.
    const headers = new Headers([["Idempotency-Key", Buffer.from(key).toString("latin1")]]);
    const refused = await execute({ name: "told-steps", input: { count: 1 } }, Object.fromEntries(headers));
    expect([refused.status, refused.json["code"]]).toEqual([400, "bad_request"]);
  });

  it("of 255 characters is taken", async () => {
    const { status } = await execute(
      { name: "told-steps", input: { count: 0 } },
      { "Idempotency-Key": "k".repeat(255) },
    );
    expect(status).toBe(202);
    await app.settled();
  });
});

describe("a start that is refused", () => {
  const tooLong = "x".repeat(limits.runInputBytesMax);

  it.each([
    ["an unknown definition", { name: "bake-bread" }, 404, "unknown_definition", undefined],
    [
      "an unknown version",
      { name: "told-steps", version: 9, input: { count: 1 } },
      404,
      "unknown_definition",
      undefined,
    ],
    ["version 0", { name: "told-steps", version: 0 }, 400, "bad_request", ["/version"]],
    ["no name", { input: {} }, 400, "bad_request", ["/name"]],
    ["an empty name", { name: "" }, 400, "bad_request", ["/name"]],
    ["a name over the limit", { name: "n".repeat(65) }, 400, "bad_request", ["/name"]],
    ["a field that is not known", { name: "told-steps", inputs: {} }, 400, "bad_request", ["/inputs"]],
    [
      "a conversation that is no id",
      { name: "told-steps", conversationId: "a:b" },
      400,
      "bad_request",
      ["/conversationId"],
    ],
    [
      "an input that fails its schema",
      { name: "told-steps", input: { count: "3" } },
      400,
      "bad_request",
      ["/input/count"],
    ],
    ["no input where one is needed", { name: "told-steps" }, 400, "bad_request", ["/input/count"]],
    ["an input of the wrong type", { name: "told-steps", input: [] }, 400, "bad_request", ["/input"]],
    [
      "several wrong fields",
      { name: "book-dinner", input: { city: "", partySize: 21, at: "soon", guest: "Ada" } },
      400,
      "bad_request",
      ["/input/city", "/input/partySize", "/input/at"],
    ],
    ["an input over 256 KiB", { name: "wait-for-go", input: { text: tooLong } }, 413, "body_too_large", undefined],
    ["a body that is no object", [], 400, "bad_request", [""]],
  ])("%s is answered in words, and no run is there", async (_what, body, status, code, pointers) => {
    const before = await countRuns();
    const refused = await execute(body);
    expect([refused.status, refused.json["code"]]).toEqual([status, code]);
    if (pointers !== undefined) {
      expect(refused.json["errors"].map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    }
    expect(await countRuns()).toBe(before);
  });

  it("names the version that is not there", async () => {
    const { json } = await execute({ name: "told-steps", version: 9, input: { count: 1 } });
    expect(json["detail"]).toBe('There is no version 9 of a run named "told-steps" here.');
  });

  it("an input of exactly 256 KiB with what surrounds it is taken", async () => {
    const around = JSON.stringify({ name: "wait-for-go", input: { text: "" } }).length;
    const { status } = await execute({ name: "wait-for-go", input: { text: tooLong.slice(around) } });
    expect(status).toBe(202);
    await app.settled();
  });

  it.each([
    ["malformed JSON", { body: "{", headers: { "content-type": "application/json" } }, 400, "malformed_json"],
    ["no body", { headers: { "content-type": "application/json" } }, 400, "malformed_json"],
    ["another media type", { body: "x", headers: { "content-type": "text/plain" } }, 415, "unsupported_media_type"],
  ])("%s is answered in words", async (_what, init, status, code) => {
    const refused = await caller.fetch("/api/execute", { method: "POST", ...init });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([status, code]);
  });

  it("a start without a session is 401, and one from another site's page 403", async () => {
    const body = JSON.stringify({ name: "told-steps", input: { count: 1 } });
    const headers = { "content-type": "application/json" };
    expect((await app.fetch("/api/execute", { method: "POST", body, headers })).status).toBe(401);
    const foreign = await caller.fetch("/api/execute", {
      method: "POST",
      body,
      headers: { ...headers, origin: "https://evil.example" },
    });
    expect(foreign.status).toBe(403);
  });

  it("another method is 404", async () => {
    expect((await caller.fetch("/api/execute")).status).toBe(404);
    expect((await caller.fetch("/api/execute", { method: "DELETE" })).status).toBe(404);
  });
});
