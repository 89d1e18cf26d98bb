/** Acting on runs over the real app: signal, cancel, pause and resume. */
import * as z from "zod/mini";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { rawJournal, runClient, type RunClient } from "../support/run-client.ts";
import { inClear, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

const undone: string[] = [];
const aborted: string[] = [];
let hasBegun = Promise.withResolvers<void>();

/** Reserves, and then does something that lasts until it is aborted. */
const longStep = defineRun({
  name: "long-step",
  version: 1,
  input: z.object({}),
  async run(ctx: RunContext<RunServices>) {
    await ctx.step("reserve", () => 1, { compensate: () => void undone.push(`${ctx.runId} reserve`) });
    await ctx.step(
      "last-for-ever",
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          hasBegun.resolve();
          signal.addEventListener("abort", () => {
            aborted.push((signal.reason as Error).message);
            reject(signal.reason as Error);
          });
        }),
      { timeout: "1h" },
    );
  },
});

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo, longStep], bindings: inClear, time: "stack" });
});
beforeEach(async () => {
  caller = await app.signIn();
  runs = runClient(caller);
  undone.length = 0;
  aborted.length = 0;
  hasBegun = Promise.withResolvers();
});
afterAll(() => app.close());

async function waiting(input: unknown = {}): Promise<string> {
  const runId = await runs.start("wait-for-go", input);
  await app.settled();
  return runId;
}

async function post(runId: string, what: string, body: unknown) {
  const response = await caller.post(`/api/runs/${runId}/${what}`, body);
  return { status: response.status, json: (await response.json()) as Record<string, any> };
}

describe("a signal", () => {
  it("ends the wait for it and hands over its payload", async () => {
    const runId = await waiting();
    expect((await post(runId, "signal", { name: "go", payload: { by: "Ada" } })).json).toEqual({
      accepted: true,
      isRepeated: false,
    });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({
      status: "completed",
      output: { kind: "received", payload: { by: "Ada" } },
    });
  });

  it("sent twice under one id counts once, and says so", async () => {
    const runId = await waiting();
    const signal = { name: "other", id: "s-1", payload: 1 };
    await post(runId, "signal", signal);
    expect(await post(runId, "signal", signal)).toMatchObject({ status: 202, json: { isRepeated: true } });
    expect((await journalTypes(runId)).filter((type) => type === "signal")).toHaveLength(1);
  });

  it("sent twenty times at once under one id counts once, and says so to all but the first", async () => {
    const runId = await waiting();
    const signal = { name: "other", id: "s-1" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(runId, "signal", signal)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(answers.filter(({ json }) => json["isRepeated"] === false)).toHaveLength(1);
  });

  it("that nobody waits for is kept and changes nothing", async () => {
    const runId = await waiting();
    await post(runId, "signal", { name: "other" });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", waits: [{ signal: "go" }] });
  });

  it("over the number that is kept is 409, and the run still takes the one that it waits for", async () => {
    const runId = await waiting();
    const { userId } = caller;
    const entry = (index: number) => `- 0 1 signal {"id":"s-${index}","name":"other"}`;
    const entries = Array.from({ length: limits.signalsKeptMax - 1 }, (_entry, index) => entry(index));
    await append(userId, runId, entries);
    expect((await post(runId, "signal", { name: "go" })).status).toBe(202);
    await append(userId, runId, [entry(limits.signalsKeptMax)]);
    const other = await waiting();
    await append(userId, other, [...entries, entry(limits.signalsKeptMax)]);
    expect(await post(other, "signal", { name: "go" })).toMatchObject({ status: 409, json: { code: "run_refused" } });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
  });

  it("to a run that is over is 409", async () => {
    const runId = await waiting();
    await post(runId, "signal", { name: "go" });
    await app.settled();
    const late = await post(runId, "signal", { name: "go" });
    expect([late.status, late.json["detail"]]).toEqual([409, "The run has completed."]);
  });

  it.each([
    ["no name", {}, 400, "/name"],
    ["an empty name", { name: "" }, 400, "/name"],
    ["a name of the engine's own", { name: "$call x" }, 400, "/name"],
    ["a name over the limit", { name: "n".repeat(limits.stepNameCharsMax + 1) }, 400, "/name"],
    ["an empty id", { name: "go", id: "" }, 400, "/id"],
    ["a field that is not known", { name: "go", data: 1 }, 400, "/data"],
    ["a payload over 64 KiB", { name: "go", payload: "x".repeat(limits.signalPayloadBytesMax) }, 413, undefined],
  ])("with %s is refused, and the journal is untouched", async (_what, body, status, pointer) => {
    const runId = await waiting();
    const before = await rawJournal(app.stack, { userId: caller.userId, runId });
    const refused = await post(runId, "signal", body);
    expect(refused.status).toBe(status);
    if (pointer !== undefined) expect(refused.json["errors"]).toEqual([{ pointer, detail: expect.any(String) }]);
    expect(await rawJournal(app.stack, { userId: caller.userId, runId })).toEqual(before);
  });
});

describe("a cancellation", () => {
  it("of a run that waits undoes what was done and ends it, in the owner's words", async () => {
    const runId = await waiting();
    expect((await post(runId, "cancel", { reason: "changed my mind" })).status).toBe(202);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({
      status: "cancelled",
      failure: { code: "run_cancelled", message: "changed my mind" },
    });
    expect((await runs.events(runId)).map(({ type }) => type)).toEqual([
      "workflow-started",
      "segment-started",
      "step-completed",
      "step-waiting",
      "segment-suspended",
      "segment-started",
      "compensation-started",
      "step-compensated",
      "workflow-cancelled",
    ]);
  });

  it("without compensation ends the run and undoes nothing", async () => {
    const runId = await waiting();
    await post(runId, "cancel", { compensate: false });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
    expect((await runs.events(runId)).map(({ type }) => type)).not.toContain("step-compensated");
  });

  it("reaches a step in flight with the next beat: its signal aborts, then what was done is undone", async () => {
    const runId = await runs.start("long-step");
    await hasBegun.promise;
    expect(await runs.act(runId, "cancel")).toBe(202);
    expect(aborted).toEqual([]);
    await app.stack.clock.advance(limits.beatMs);
    await app.settled();
    expect(aborted).toEqual(["the run was cancelled"]);
    expect(undone).toEqual([`${runId} reserve`]);
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
  });

  it("comes twice and counts once; over a run that is over it is 409", async () => {
    const runId = await waiting();
    const both = await Promise.all([post(runId, "cancel", {}), post(runId, "cancel", {})]);
    expect(both.map(({ status }) => status)).toEqual([202, 202]);
    await app.settled();
    expect(await post(runId, "cancel", {})).toMatchObject({ status: 409, json: { detail: "The run was cancelled." } });
    expect((await runs.events(runId)).filter(({ type }) => type === "workflow-cancelled")).toHaveLength(1);
  });

  it("with a reason over the limit, or with fields that are not known, is 400", async () => {
    const runId = await waiting();
    expect((await post(runId, "cancel", { reason: "x".repeat(501) })).status).toBe(400);
    expect((await post(runId, "cancel", { undo: true })).status).toBe(400);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
  });
});

describe("a pause", () => {
  it("holds a run that waits, whatever comes, until it is resumed", async () => {
    const runId = await waiting({ timeoutMs: 60_000 });
    expect((await post(runId, "pause", {})).json).toEqual({ accepted: true, isRepeated: false });
    expect((await post(runId, "pause", {})).json).toEqual({ accepted: true, isRepeated: true });
    await post(runId, "signal", { name: "go", payload: 7 });
    await app.stack.clock.advance(120_000);
    await app.sweep();
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "paused", segments: 1 });
    expect(await runs.act(runId, "resume")).toBe(202);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { kind: "received", payload: 7 } });
  });

  it("is not waited for by a cancellation", async () => {
    const runId = await waiting();
    await post(runId, "pause", {});
    await post(runId, "cancel", {});
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
  });

  it("stops a run in flight at the end of its step", async () => {
    const runId = await runs.start("long-step");
    await hasBegun.promise;
    await post(runId, "pause", {});
    await app.stack.clock.advance(limits.beatMs);
    expect(aborted).toEqual([]);
    expect(await runs.view(runId)).toMatchObject({ status: "running" });
    await post(runId, "cancel", { compensate: false });
    await app.stack.clock.advance(limits.beatMs);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
  });

  it("is 409 for a run that is over, and so is a resumption of one that was not paused", async () => {
    const runId = await waiting();
    expect(await post(runId, "resume", {})).toMatchObject({
      status: 409,
      json: { detail: "The run is neither paused nor parked." },
    });
    await post(runId, "signal", { name: "go" });
    await app.settled();
    for (const what of ["pause", "resume"]) expect(await runs.act(runId, what), what).toBe(409);
  });

  it("needs no body, and refuses one that says anything", async () => {
    const runId = await waiting();
    expect((await caller.fetch(`/api/runs/${runId}/pause`, { method: "POST" })).status).toBe(202);
    expect((await post(runId, "resume", { when: "now" })).status).toBe(400);
    const send = (headers: Record<string, string>, body?: string) =>
      caller.fetch(`/api/runs/${runId}/resume`, { method: "POST", headers, ...(body === undefined ? {} : { body }) });
    expect((await send({ "content-type": "text/plain" }, "now")).status).toBe(415);
    // As clients send it that name the type of every request.
    expect((await send({ "content-type": "application/json" })).status).toBe(202);
  });
});

async function journalTypes(runId: string): Promise<string[]> {
  const journal = await rawJournal(app.stack, { userId: caller.userId, runId });
  return journal.map((entry) => entry.split(" ")[3] ?? "");
}

async function append(userId: string, runId: string, entries: readonly string[]): Promise<void> {
  await fetch(app.stack.redisUrl, {
    method: "POST",
    headers: { authorization: `Bearer ${app.stack.redisToken}` },
    body: JSON.stringify(["RPUSH", `runs:{${userId}}:${runId}:journal`, ...entries]),
  });
}
