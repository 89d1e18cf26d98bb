/** A run's events over SSE, over the real app: replay, live, the end; and what a reader does about a dead segment. */
import * as z from "zod/mini";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import {
  rawJournal,
  readEvents,
  redisCommand,
  runClient,
  type ReadEvent,
  type RunClient,
} from "../support/run-client.ts";
import { inClear, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { toldSteps, waitForGo } from "../support/test-runs.ts";

let gate = Promise.withResolvers<string>();

const quickAndSlow = defineRun({
  name: "quick-and-slow",
  version: 1,
  input: z.object({}),
  run: (ctx: RunContext<RunServices>) =>
    ctx.all([ctx.step("quick", () => "quick"), ctx.step("slow", () => gate.promise)]),
});

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [toldSteps, waitForGo, quickAndSlow], bindings: inClear, time: "stack" });
});
beforeEach(async () => {
  caller = await app.signIn();
  runs = runClient(caller);
});
afterAll(() => app.close());

async function waiting(): Promise<string> {
  const runId = await runs.start("wait-for-go");
  await app.settled();
  return runId;
}

function open(runId: string, headers: Record<string, string> = {}): Promise<Response> {
  return caller.fetch(`/api/runs/${runId}/events`, { headers });
}

function typesOf(events: readonly ReadEvent[]): string[] {
  return events.map(({ type }) => type);
}

describe("a reader of a run's events", () => {
  it("gets what happened, each with its type, time and payload, and the end with the run", async () => {
    const runId = await runs.start("told-steps", { count: 2 });
    await app.settled();
    const at = expect.any(Number);
    expect(await runs.events(runId)).toEqual([
      {
        id: "0",
        type: "workflow-started",
        data: { type: "workflow-started", at, definition: "told-steps", version: 1 },
      },
      { id: "1", type: "segment-started", data: { type: "segment-started", at } },
      { id: "2", type: "step-completed", data: { type: "step-completed", at, step: "add", result: 0 } },
      { id: "3", type: "step-completed", data: { type: "step-completed", at, step: "add#2", result: 1 } },
      { id: "4", type: "workflow-completed", data: { type: "workflow-completed", at, output: 1 } },
    ]);
  });

  it("that is cut at every event in turn ends with exactly the full sequence, and then gets 204", async () => {
    const runId = await waiting();
    await runs.act(runId, "signal", { name: "go" });
    await app.settled();
    const whole = await runs.events(runId);
    const pieced: ReadEvent[] = [];
    while (pieced.length < whole.length) {
      const last = pieced.at(-1);
      const response = await open(runId, last === undefined ? {} : { "last-event-id": last.id });
      pieced.push(...(await readEvents(response, 1)));
    }
    expect(pieced).toEqual(whole);
    expect((await open(runId, { "last-event-id": whole.at(-1)!.id })).status).toBe(204);
  });

  it("that is connected gets what happens, the same as one that comes afterwards", async () => {
    const runId = await waiting();
    const reading = open(runId).then((response) => readEvents(response));
    const from = open(runId, { "last-event-id": "2" }).then((response) => readEvents(response));
    await runs.act(runId, "signal", { name: "go" });
    await app.settled();
    const whole = await runs.events(runId);
    expect(await reading).toEqual(whole);
    expect(await from).toEqual(whole.slice(3));
    expect(whole.at(-1)?.type).toBe("workflow-completed");
  });

  it("hears of a step that is done while another beside it still runs, and it is durable by then", async () => {
    gate = Promise.withResolvers();
    const runId = await runs.start("quick-and-slow");
    await app.stack.clock.advance(limits.publishMs);
    const [, , done] = await readEvents(await open(runId), 3);
    expect(done).toMatchObject({ type: "step-completed", data: { step: "quick" } });
    expect((await rawJournal(app.stack, { userId: caller.userId, runId })).join()).toContain('done {"step":"quick"');
    gate.resolve("slow");
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: ["quick", "slow"] });
  });

  it("costs no Redis command while nothing happens", async () => {
    const runId = await waiting();
    const response = await open(runId);
    const reader = response.body!.getReader();
    const text = new TextDecoder();
    let seen = "";
    while (!seen.includes("segment-suspended")) seen += text.decode((await reader.read()).value, { stream: true });
    app.stack.ledger.reset();
    await app.stack.clock.advance(4 * 60_000);
    expect(app.stack.ledger.read().commands).toBe(0);
    await reader.cancel();
  });

  it.each(["garbage", "-1", "3", "500", "99999999999"])("with the Last-Event-ID %s gets everything", async (id) => {
    const runId = await runs.start("told-steps", { count: 0 });
    await app.settled();
    expect(typesOf(await runs.events(runId, id))).toEqual([
      "workflow-started",
      "segment-started",
      "workflow-completed",
    ]);
  });

  it("with an id that the run does not have yet gets everything, and goes on with it", async () => {
    const runId = await waiting();
    const reading = open(runId, { "last-event-id": "500" }).then((response) => readEvents(response));
    await runs.act(runId, "signal", { name: "go" });
    await app.settled();
    expect(await reading).toEqual(await runs.events(runId));
  });

  it("goes on after ?after=, and is refused with 400 for one that is no place", async () => {
    const runId = await runs.start("told-steps", { count: 0 });
    await app.settled();
    const path = `/api/runs/${runId}/events?after=`;
    expect(typesOf(await readEvents(await caller.fetch(`${path}1`)))).toEqual(["workflow-completed"]);
    expect((await caller.fetch(`${path}2`)).status).toBe(204);
    for (const after of ["", "x", "-1", "3", "500"]) expect((await caller.fetch(path + after)).status, after).toBe(400);
  });
});

describe("a run whose segment has died", () => {
  /** The run has its signal, and a segment took the lease and was never heard of again. */
  async function dead(): Promise<string> {
    const runId = await waiting();
    const key = `runs:{${caller.userId}}:${runId}:journal`;
    const now = app.stack.clock.now();
    await redisCommand(app.stack, ["RPUSH", key, `- 0 ${now} signal {"id":"s","name":"go"}`]);
    await redisCommand(app.stack, ["RPUSH", key, `d1e 0 ${now} opened {"leaseMs":${limits.leaseMs}}`]);
    return runId;
  }

  const isOver = async (runId: string) => (await runs.view(runId)).status === "completed";

  it("is left alone while its lease may hold", async () => {
    const runId = await dead();
    await app.stack.clock.advance(limits.leaseMs);
    app.stack.ledger.reset();
    expect(await runs.view(runId)).toMatchObject({ status: "running" });
    await app.settled();
    expect(app.stack.ledger.read().messages).toBe(0);
  });

  it("goes on when somebody looks at it, and the one who looked need not come again", async () => {
    const runId = await dead();
    await app.stack.clock.advance(limits.leaseMs + 1);
    expect(await runs.view(runId)).toMatchObject({ status: "running" });
    await app.settled();
    expect(await isOver(runId)).toBe(true);
  });

  it("goes on when a reader of its events comes, who sees it end", async () => {
    const runId = await dead();
    await app.stack.clock.advance(limits.leaseMs + 1);
    expect((await runs.events(runId)).at(-1)?.type).toBe("workflow-completed");
  });

  it("goes on when its start is repeated", async () => {
    const key = { "Idempotency-Key": "once" };
    const runId = await runs.start("wait-for-go", {}, key);
    await app.settled();
    const { segments } = await runs.view(runId);
    const journal = `runs:{${caller.userId}}:${runId}:journal`;
    const now = app.stack.clock.now();
    await redisCommand(app.stack, ["RPUSH", journal, `d1e 0 ${now} opened {"leaseMs":${limits.leaseMs}}`]);
    await app.stack.clock.advance(limits.leaseMs + 1);
    expect(await runs.start("wait-for-go", {}, key)).toBe(runId);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", segments: segments + 2 });
  });

  it("is noticed by a reader who is connected, at the end of its lease", async () => {
    const runId = await dead();
    const reading = open(runId).then((response) => readEvents(response));
    await expect
      .poll(() => redisCommand(app.stack, ["PUBSUB", "NUMSUB", `runs:{${caller.userId}}:${runId}:journal`]))
      .toContain(1);
    await app.stack.clock.advance(limits.leaseMs + 1_000);
    expect((await reading).at(-1)?.type).toBe("workflow-completed");
    expect(await reading).toEqual(await runs.events(runId));
  });

  it("is found by the sweep when nobody looks", async () => {
    const runId = await dead();
    await redisCommand(app.stack, ["ZADD", "runs:due", app.stack.clock.now(), `${caller.userId}/${runId}`]);
    await app.sweep();
    await app.stack.clock.advance(limits.leaseMs + limits.sweepSlackMs + 1);
    await app.sweep();
    await app.settled();
    expect(await isOver(runId)).toBe(true);
  });
});

describe("a signal to a run that waits for months", () => {
  const signal = { name: "go", id: "s-1" };

  it("wakes it when it is sent again, after its first trigger could not be sent", async () => {
    const runId = await waiting();
    app.stack.faults.add({ server: "qstash", action: "drop-before", count: 2 });
    expect(await runs.act(runId, "signal", signal)).toBe(503);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    expect(await runs.act(runId, "signal", signal)).toBe(202);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
  });

  it("wakes it by the next sweep, when its trigger is lost for good", async () => {
    const runId = await waiting();
    app.stack.faults.add({ server: "delivery", match: runId, action: "status", status: 500 });
    expect(await runs.act(runId, "signal", signal)).toBe(202);
    await app.stack.clock.advance(60_000);
    app.stack.faults.clear();
    expect((await journalTypes(runId)).at(-1)).toBe("signal");
    await app.sweep();
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
  });

  async function journalTypes(runId: string): Promise<string[]> {
    const journal = await rawJournal(app.stack, { userId: caller.userId, runId });
    return journal.map((entry) => entry.split(" ")[3] ?? "");
  }
});
