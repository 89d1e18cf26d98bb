/** Waiting for events, and notifying those who wait. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at } from "./qstash-rig.ts";
import { expectResult, startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const hourMs = 3_600_000;

const waiter = createWorkflow(async (context: WorkflowContext<string>) =>
  context.waitForEvent("wait", context.requestPayload, { timeout: "1h" }),
);

/** Sleeps first, so that an event can come before the wait. */
const late = createWorkflow(async (context: WorkflowContext<string>) => {
  await context.sleep("sleep", 60);
  const first = await context.waitForEvent("first", context.requestPayload, { timeout: "1h" });
  const second = await context.waitForEvent("second", context.requestPayload, { timeout: "1h" });
  return [first, second].map(({ eventData }) => eventData);
});

const notifyRaw = (rig: WorkflowRig, path: string, body = "x") =>
  rig.qstash.call("POST", `/v2/notify/${path}`, { body });

describe("a wait", () => {
  it.each([
    ["an object", { a: [1] }, { a: [1] }],
    ["a text", "hello “you”", "hello “you”"],
    ["nothing", undefined, undefined],
  ])("ends with %s, in one delivery", async (_, eventData, seen) => {
    const rig = await startWorkflow({ waiter });
    const runId = await rig.run("waiter", { body: "paid" });
    expect(rig.deliveriesTo("waiter")).toHaveLength(1);
    await rig.client.notify({ eventId: "paid", eventData });
    await rig.qstash.idle();
    expect(rig.deliveriesTo("waiter")).toHaveLength(2);
    await expectResult(rig, runId, { timeout: false, ...(seen !== undefined && { eventData: seen }) });
    await rig.advance(hourMs);
    expect(rig.deliveriesTo("waiter")).toHaveLength(2);
  });

  it("ends at its deadline, to the millisecond, in one delivery", async () => {
    const rig = await startWorkflow({ waiter });
    const runId = await rig.run("waiter", { body: "paid" });
    await rig.advance(hourMs - 1);
    expect(rig.deliveriesTo("waiter")).toHaveLength(1);
    await rig.advance(1);
    expect(rig.deliveriesTo("waiter")).toHaveLength(2);
    await expectResult(rig, runId, { timeout: true });
    expect(await rig.client.notify({ eventId: "paid", eventData: "late" })).toEqual([]);
    await rig.qstash.idle();
    expect(rig.deliveriesTo("waiter")).toHaveLength(2);
  });

  it("that is submitted twice is one wait", async () => {
    const rig = await startWorkflow({ waiter });
    rig.qstash.faults.add({ server: "qstash", match: "/v2/wait/", action: "duplicate", count: 1 });
    const runId = await rig.run("waiter", { body: "paid" });
    expect(await rig.client.getWaiters({ eventId: "paid" })).toHaveLength(1);
    expect(await rig.client.notify({ eventId: "paid", eventData: 1 })).toHaveLength(1);
    await rig.qstash.idle();
    expect(rig.deliveriesTo("waiter")).toHaveLength(2);
    await expectResult(rig, runId, { timeout: false, eventData: 1 });
  });

  it("that is submitted twice after its event came is over, and waits for nothing more", async () => {
    const rig = await startWorkflow({ late });
    rig.qstash.faults.add({ server: "qstash", match: '"stepName":"first"', action: "duplicate", count: 1 });
    const runId = await rig.run("late", { body: "go" });
    await rig.client.notify({ eventId: "go", eventData: 1, workflowRunId: runId });
    await rig.advance(60_000);
    expect(rig.deliveriesTo("late")).toHaveLength(3);
    expect(await rig.client.getWaiters({ eventId: "go" })).toHaveLength(1);
  });

  it("side by side with a sleep takes a delivery for each plan and each result", async () => {
    const rig = await startWorkflow({
      both: createWorkflow(async (context) =>
        Promise.all([context.waitForEvent("wait", "go", { timeout: 10 }), context.sleep("sleep", 5)]),
      ),
    });
    const runId = await rig.run("both");
    expect(rig.deliveriesTo("both")).toHaveLength(2);
    await rig.client.notify({ eventId: "go", eventData: 1 });
    await rig.qstash.idle();
    expect(rig.deliveriesTo("both")).toHaveLength(3);
    await rig.advance(10_000);
    expect(rig.deliveriesTo("both")).toHaveLength(5);
    await expectResult(rig, runId, [{ timeout: false, eventData: 1 }, null]);
  });
});

describe("a notification by event id", () => {
  it("ends all waits for the event and names them", async () => {
    const rig = await startWorkflow({ waiter });
    const runIds = [await rig.run("waiter", { body: "go" }), await rig.run("waiter", { body: "go" })];
    await rig.run("waiter", { body: "other" });
    const deadline = Math.floor((rig.qstash.clock.now() + hourMs) / 1_000);
    const notified = await rig.client.notify({ eventId: "go", eventData: "now" });
    expect(notified).toMatchObject(
      runIds.map((workflowRunId) => ({
        workflowRunId,
        messageId: expect.stringMatching(/^msg_/),
        deduplicated: false,
        error: "",
        waiter: { url: rig.urlOf("waiter"), deadline, timeoutUrl: rig.urlOf("waiter") },
      })),
    );
    await rig.qstash.idle();
    expect(rig.deliveriesTo("waiter")).toHaveLength(3 + 2);
  });

  it("is lost when nobody waits, and when it is repeated", async () => {
    const rig = await startWorkflow({ late });
    const runId = await rig.run("late", { body: "go" });
    expect(await rig.client.notify({ eventId: "go", eventData: "early" })).toEqual([]);
    await rig.advance(60_000);
    expect(await rig.client.notify({ eventId: "go", eventData: "one" })).toHaveLength(1);
    expect(await rig.client.notify({ eventId: "go", eventData: "again" })).toEqual([]);
    await rig.qstash.idle();
    await rig.advance(hourMs);
    expect(rig.deliveriesTo("late")).toHaveLength(4);
    await expectResult(rig, runId, ["one", null]);
  });

  it("finds event ids with spaces and slashes", async () => {
    const rig = await startWorkflow({ waiter });
    await rig.run("waiter", { body: "order/42 paid" });
    expect(await rig.client.getWaiters({ eventId: "order/42 paid" })).toHaveLength(1);
    expect(await rig.client.notify({ eventId: "order/42 paid", eventData: 1 })).toHaveLength(1);
  });
});

describe("a notification by run id", () => {
  it("ends the wait of that run alone", async () => {
    const rig = await startWorkflow({ waiter });
    const runId = await rig.run("waiter", { body: "go" });
    await rig.run("waiter", { body: "go" });
    expect(await rig.client.notify({ eventId: "go", eventData: 1, workflowRunId: runId })).toHaveLength(1);
    await rig.qstash.idle();
    expect(rig.deliveriesTo("waiter")).toHaveLength(3);
    await expectResult(rig, runId, { timeout: false, eventData: 1 });
    expect(await rig.client.getWaiters({ eventId: "go" })).toHaveLength(1);
  });

  it("that comes before the wait is kept for it, and several in their order", async () => {
    const rig = await startWorkflow({ late });
    const runId = await rig.run("late", { body: "go" });
    for (const eventData of ["one", "two", "three"])
      expect(await rig.client.notify({ eventId: "go", eventData, workflowRunId: runId })).toEqual([]);
    await rig.advance(60_000);
    expect(rig.deliveriesTo("late")).toHaveLength(4);
    await expectResult(rig, runId, ["one", "two"]);
  });

  it("that is repeated is kept for the next wait", async () => {
    const rig = await startWorkflow({ late });
    const runId = await rig.run("late", { body: "go" });
    await rig.advance(60_000);
    expect(await rig.client.notify({ eventId: "go", eventData: 1, workflowRunId: runId })).toHaveLength(1);
    await rig.client.notify({ eventId: "go", eventData: 1, workflowRunId: runId });
    await rig.qstash.idle();
    expect(rig.deliveriesTo("late")).toHaveLength(4);
    await expectResult(rig, runId, [1, 1]);
  });

  it("is refused for a run that is unknown or over", async () => {
    const rig = await startWorkflow({ waiter });
    await rig.run("waiter", { body: "go", workflowRunId: "over" });
    await rig.client.cancel("wfr_over");
    expect((await notifyRaw(rig, "wfr_nobody/go")).status).toBe(404);
    expect((await notifyRaw(rig, "wfr_over/go")).status).toBe(404);
  });

  it("is kept up to a limit, and refused beyond it", async () => {
    const rig = await startWorkflow({ waiter });
    const runId = await rig.run("waiter", { body: "go" });
    for (let count = 0; count < 1_000; count += 1) await notifyRaw(rig, `${runId}/another`);
    const refusal = await notifyRaw(rig, `${runId}/another`);
    expect(refusal.status).toBe(412);
  });
});

describe("context.notify", () => {
  it("is a step that says who was notified", async () => {
    const rig = await startWorkflow({
      waiter,
      notifier: createWorkflow(async (context) => {
        const { notifyResponse } = await context.notify("tell", "go", { from: "notifier" });
        return notifyResponse.length;
      }),
    });
    const waiting = await rig.run("waiter", { body: "go" });
    const notifying = await rig.run("notifier");
    expect(rig.deliveriesTo("notifier")).toHaveLength(2);
    expect(rig.deliveriesTo("waiter")).toHaveLength(2);
    await expectResult(rig, notifying, 1);
    await expectResult(rig, waiting, { timeout: false, eventData: { from: "notifier" } });
  });
});

describe("the waiters of an event", () => {
  it("are shown with where they wait and until when, and without the token", async () => {
    const rig = await startWorkflow({ waiter });
    await rig.run("waiter", { body: "go" });
    const waiters = await rig.client.getWaiters({ eventId: "go" });
    expect(at(waiters, 0)).toMatchObject({ url: rig.urlOf("waiter"), headers: { "Upstash-Workflow-Init": ["false"] } });
    expect(JSON.stringify(waiters)).not.toContain("Bearer");
    expect(await rig.client.getWaiters({ eventId: "nothing" })).toEqual([]);
  });

  it("are gone when their run is cancelled", async () => {
    const rig = await startWorkflow({ waiter });
    const runId = await rig.run("waiter", { body: "go" });
    await rig.client.cancel(runId);
    expect(await rig.client.getWaiters({ eventId: "go" })).toEqual([]);
    await rig.advance(hourMs);
    expect(rig.deliveriesTo("waiter")).toHaveLength(1);
  });
});
