/** Agents that Upstash Workflow carries: over the real app, its SDK and the stack, beside the same agents on our own segments. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { RunView } from "../../src/engine/run-view.ts";
import { planText, summaryText } from "../support/agent-rig.ts";
import { LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import { runClient, type ReadEvent, type RunClient } from "../support/run-client.ts";
import { signDelivery } from "../support/sign-delivery.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ time: "stack" });
});
beforeEach(async () => {
  caller = await app.signIn();
  runs = runClient(caller);
});
afterAll(() => app.close());

const sum = (id: string, expression: unknown, dependsOn: readonly string[] = []) => ({
  id,
  tool: "calculator",
  parameters: { expression },
  dependsOn: [...dependsOn],
});
const plan = planText(sum("a", "6 * 7"), sum("b", "1 + 1"), sum("c", { $from: "a", path: "result" }, ["a", "b"]));

function scriptModel(...replies: readonly string[]): void {
  for (const text of replies) app.stack.model.script({ kind: "reply", text, times: 1 });
}

async function started(executor: string, body: object = {}): Promise<string> {
  const response = await caller.post("/api/agents/workflow", { goal: "reckon", executor, ...body });
  const view = (await response.json()) as RunView;
  expect(response.status, JSON.stringify(view)).toBe(202);
  return view.runId;
}

async function ended(executor: string, body: object = {}): Promise<string> {
  const runId = await started(executor, body);
  await app.settled();
  return runId;
}

/** What happened in which order, without what differs from run to run. */
function happened(events: readonly ReadEvent[]): unknown[] {
  return events
    .filter(({ type }) => type !== "segment-started")
    .map(({ type, data }) => [type, data["step"], withoutTimes(data["payload"])]);
}

function withoutTimes(payload: unknown): unknown {
  return JSON.parse(JSON.stringify(payload ?? null, (key, value: unknown) => (/At(Ms)?$/.test(key) ? "time" : value)));
}

async function passRetries(): Promise<void> {
  for (let attempt = 0; attempt <= limits.triggerRetries; attempt += 1) {
    await app.stack.clock.advance(24 * 60 * 60 * 1_000);
    await app.settled();
  }
}

describe("the same agent on both executors", () => {
  it("has the same events, the same end and a receipt of the same shape", async () => {
    const runIds: string[] = [];
    for (const executor of ["segments", "workflow"]) {
      scriptModel(plan, summaryText("It is 42."));
      runIds.push(await ended(executor));
    }
    const [ours, theirs] = await Promise.all(runIds.map((runId) => runs.view(runId)));
    expect(theirs).toMatchObject({ status: "completed", output: ours!.output });
    const [ourEvents, theirEvents] = await Promise.all(runIds.map(async (runId) => happened(await runs.events(runId))));
    expect(ourEvents!.length).toBeGreaterThan(8);
    expect(theirEvents).toEqual(ourEvents);
    const [ourReceipt, theirReceipt] = await Promise.all(runIds.map((runId) => runs.receipt(runId)));
    expect(Object.keys(theirReceipt!).toSorted()).toEqual(Object.keys(ourReceipt!).toSorted());
  });

  it("pays the model once for each answer, also where each delivery comes twice", async () => {
    app.stack.faults.add({ server: "delivery", match: "workflows/agent", action: "duplicate" });
    scriptModel(plan, summaryText("It is 42."));
    app.stack.ledger.reset();
    const runId = await ended("workflow");
    app.stack.faults.clear();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
    expect(app.stack.ledger.read().modelCalls).toBe(2);
  });
});

describe("a run that Upstash Workflow carries", () => {
  it("starts once with an Idempotency-Key", async () => {
    scriptModel(plan, summaryText("It is 42."));
    const headers = { "idempotency-key": "once" };
    const body = { goal: "reckon", executor: "workflow" };
    const first = (await (await caller.post("/api/agents/workflow", body, { headers })).json()) as RunView;
    await app.settled();
    const again = (await (await caller.post("/api/agents/workflow", body, { headers })).json()) as RunView;
    await app.settled();
    expect(again).toMatchObject({ runId: first.runId, status: "completed" });
  });

  it("goes on after deliveries that failed, and repeats no model call that was answered", async () => {
    app.stack.faults.add({ server: "delivery", match: "workflows/agent", action: "drop-after", count: 2 });
    scriptModel(plan, summaryText("It is 42."));
    app.stack.ledger.reset();
    const runId = await ended("workflow");
    await passRetries();
    app.stack.faults.clear();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
    expect(app.stack.ledger.read().modelCalls).toBe(2);
  });

  it("fails, is undone and says so in its events when its carrier gives up", async () => {
    const count = limits.triggerRetries + 1;
    app.stack.faults.add({ server: "delivery", match: "workflows/agent", action: "status", status: 500, count });
    const runId = await ended("workflow");
    await passRetries();
    app.stack.faults.clear();
    expect(await runs.view(runId)).toMatchObject({
      status: "failed",
      failure: { code: "workflow_failed", message: expect.stringContaining("500") },
    });
    const types = (await runs.events(runId)).map(({ type }) => type);
    expect(types.at(-1)).toBe("workflow-failed");
  });

  it("is cancelled like any other", async () => {
    app.stack.faults.add({ server: "delivery", action: "status", status: 500 });
    const runId = await started("workflow");
    expect(await runs.act(runId, "cancel")).toBeLessThan(300);
    app.stack.faults.clear();
    await app.settled();
    await passRetries();
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
  });
});

describe("the endpoint of Upstash Workflow", () => {
  it.each([
    ["no signature", {}],
    ["a forged one", { "upstash-signature": "eyJhbGciOiJub25lIn0.e30." }],
    ["the operators' key in its place", { "x-internal-key": LOCAL_INTERNAL_KEY }],
  ])("refuses a delivery with %s", async (_name, headers) => {
    const body = JSON.stringify({ userId: caller.userId, runId: "run_1", definition: "agent@1" });
    const response = await app.fetch("/api/workflows/agent", { method: "POST", headers, body });
    expect(response.status).toBe(401);
  });

  it.each([
    ["10 s past its end is taken", 200, { exp: -10 }],
    ["10 s before its beginning is taken", 200, { nbf: 10 }],
    ["40 s past its end is refused", 401, { exp: -40 }],
  ])("allows clocks to differ by half a minute: a delivery %s", async (_what, status, seconds) => {
    const body = JSON.stringify({ userId: caller.userId, runId: `run_${"0".repeat(32)}`, definition: "agent@1" });
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const claims = Object.fromEntries(Object.entries(seconds).map(([claim, by]) => [claim, nowSeconds + by]));
    const url = `${app.url}/api/workflows/agent`;
    const signature = signDelivery({ url, body, key: app.stack.currentSigningKey }, claims);
    const headers = { "upstash-signature": signature };
    expect((await app.fetch("/api/workflows/agent", { method: "POST", headers, body })).status).toBe(status);
    await app.settled();
  });
});
