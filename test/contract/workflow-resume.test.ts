/** Runs that failed, started again from their beginning or from where they failed. */
import { WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { breakable, call, failRun } from "./breakable-workflow.ts";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

describe("a restart", () => {
  it("runs everything again under a new id, with the payload, the headers and the label of the run", async () => {
    const { state, workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow", { body: { a: 1 }, label: "l", headers: { "x-user": "ada" } });
    state.isBroken = false;
    state.calls.length = 0;
    const run = await rig.client.dlq.restart({ dlqId });
    await rig.qstash.idle();
    expect(state.calls).toEqual(["one", "two"]);
    expect(rig.deliveriesTo("workflow")).toHaveLength(2 + 1 + 3);
    await expectResult(rig, run.workflowRunId, { two: 2, label: "l", user: "ada", payload: { a: 1 } });
    expect((await rig.client.dlq.list()).messages).toEqual([]);
    expect((await rig.client.logs({ filter: { label: "l" } })).runs.map(({ workflowState }) => workflowState)).toEqual([
      "RUN_SUCCESS",
      "RUN_FAILED",
    ]);
  });

  it("takes new retries, delay, flow control, label and failure URL", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const watcher = await startDestination();
    const dlqId = await failRun(rig, "workflow", { label: "old" });
    const { body, status } = await call(rig, "POST", `workflows/dlq/restart/${dlqId}`, {
      "Upstash-Retries": "7",
      "Upstash-Delay": "10s",
      "Upstash-Label": "new",
      "Upstash-Flow-Control-Key": "slow",
      "Upstash-Flow-Control-Value": "parallelism=1",
      "Upstash-Failure-Callback": watcher.url,
    });
    expect(status).toBe(200);
    await rig.advance(9_999);
    expect(rig.deliveriesTo("workflow")).toHaveLength(3);
    await rig.advance(1);
    const log = await rig.log(String(body["workflowRunId"]));
    expect(log).toMatchObject({
      label: "new",
      workflowState: "RUN_FAILED",
      steps: [{ steps: [{ retries: 7 }] }, {}, {}],
    });
    expect(watcher.deliveries.map(({ headers }) => headers["upstash-workflow-is-failure"])).toEqual(["true"]);
    expect(at(rig.deliveriesTo("workflow"), 3).headers["upstash-label"]).toBe("new");
    expect((await rig.qstash.client.flowControl.get("slow")).parallelismMax).toBe(1);
  });

  it("with options that cannot be is refused, and the dead letter stays", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow");
    const attempt = (headers: Record<string, string>) => call(rig, "POST", `workflows/dlq/restart/${dlqId}`, headers);
    expect((await attempt({ "Upstash-Retries": "many" })).status).toBe(400);
    expect((await attempt({ "Upstash-Retries": "1000000" })).status).toBe(412);
    expect((await attempt({ "Upstash-Delay": "soon" })).status).toBe(400);
    expect((await attempt({ "Upstash-Failure-Callback": "nowhere" })).status).toBe(404);
    expect((await rig.client.dlq.list()).messages).toHaveLength(1);
    expect(await call(rig, "POST", "workflows/dlq/restart/1-1")).toMatchObject({ status: 404 });
  });

  it("of many takes those of its filter, fifty at a time, and says when there are more", async () => {
    const { state, workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    for (let count = 0; count < 52; count += 1) await failRun(rig, "workflow", { label: count === 0 ? "other" : "l" });
    state.isBroken = false;
    const first = await rig.client.dlq.restart({ filter: { label: "l" } });
    expect(first.workflowRuns).toHaveLength(50);
    const second = await rig.client.dlq.restart({ filter: { label: "l" }, cursor: first.cursor ?? "" });
    expect(second).toEqual({
      workflowRuns: [expect.objectContaining({ workflowRunId: expect.any(String) as string })],
    });
    await rig.qstash.idle();
    expect((await rig.client.dlq.list()).messages).toHaveLength(1);
  });

  it("of many by id is refused as a whole when one of them is not there", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow");
    expect((await call(rig, "POST", `workflows/dlq/restart?dlqIds=${dlqId}&dlqIds=1-1`)).status).toBe(404);
    expect((await call(rig, "POST", "workflows/dlq/resume?dlqids=x")).status).toBe(400);
    expect((await rig.client.dlq.list()).messages).toHaveLength(1);
  });
});

describe("resuming", () => {
  it("goes on at the step that failed, under a new id", async () => {
    const { state, workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow", { body: "p", headers: { "x-user": "ada" } });
    state.isBroken = false;
    const run = await rig.client.dlq.resume({ dlqId, retries: 5 });
    await rig.qstash.idle();
    expect(state.calls).toEqual(["one", "two", "two"]);
    expect(rig.deliveriesTo("workflow")).toHaveLength(2 + 1 + 2);
    await expectResult(rig, run.workflowRunId, { two: 2, user: "ada", payload: "p" });
    expect(await rig.log(run.workflowRunId)).toMatchObject({ steps: [{}, {}, { steps: [{ retries: 5 }] }] });
    expect((await rig.client.dlq.list()).messages).toEqual([]);
  });

  it("of steps side by side delivers those without a result, and a sleep is not cut short", async () => {
    const state = { isBroken: true, calls: [] as string[] };
    const both = createWorkflow(async (context) =>
      Promise.all([
        context.run("good", () => state.calls.push("good")),
        context.run("bad", () => {
          state.calls.push("bad");
          if (state.isBroken) throw new WorkflowNonRetryableError("broken");
          return "mended";
        }),
        context.sleep("sleep", 60),
      ]),
    );
    const rig = await startWorkflow({ both });
    rig.qstash.faults.add({ server: "delivery", match: '"stepName":"bad"', action: "delay", delayMs: 1_000, count: 1 });
    await rig.run("both");
    await rig.advance(1_000);
    const { dlqId } = at((await rig.client.dlq.list()).messages, 0);
    const before = rig.deliveriesTo("both").length;
    state.isBroken = false;
    const run = await rig.client.dlq.resume({ dlqId });
    await rig.qstash.idle();
    expect(state.calls).toEqual(["good", "bad", "bad"]);
    // The plan that failed and its result; the sleep is still on.
    expect(rig.deliveriesTo("both")).toHaveLength(before + 2);
    await rig.advance(58_999);
    expect(rig.deliveriesTo("both")).toHaveLength(before + 2);
    await rig.advance(1);
    expect(rig.deliveriesTo("both")).toHaveLength(before + 4);
    await expectResult(rig, run.workflowRunId, [1, "mended", null]);
  });

  it("waits again for what the run waited for when it failed", async () => {
    const state = { isBroken: true };
    const both = createWorkflow(async (context) =>
      Promise.all([
        context.waitForEvent("wait", "go", { timeout: "1h" }),
        context.run("bad", () => {
          if (state.isBroken) throw new WorkflowNonRetryableError("broken");
          return "mended";
        }),
      ]),
    );
    const rig = await startWorkflow({ both });
    const dlqId = await failRun(rig, "both");
    expect(await rig.client.getWaiters({ eventId: "go" })).toHaveLength(0);
    state.isBroken = false;
    const run = await rig.client.dlq.resume({ dlqId });
    await rig.qstash.idle();
    expect(await rig.client.notify({ eventId: "go", eventData: "e" })).toHaveLength(1);
    await rig.qstash.idle();
    await expectResult(rig, run.workflowRunId, [{ timeout: false, eventData: "e" }, "mended"]);
  });

  it("of a run that failed at its start begins it", async () => {
    const { state, workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    rig.qstash.faults.add({ server: "delivery", action: "status", status: 500, count: 1 });
    const dlqId = await failRun(rig, "workflow", { retries: 0 });
    state.isBroken = false;
    const [run] = (await rig.client.dlq.resume([dlqId])).workflowRuns;
    await rig.qstash.idle();
    await expectResult(rig, run?.workflowRunId ?? "", expect.objectContaining({ two: 2 }));
  });

  it("may fail again, and be resumed again", async () => {
    const { state, workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    await rig.client.dlq.resume({ dlqId: await failRun(rig, "workflow") });
    await rig.qstash.idle();
    const [letter] = (await rig.client.dlq.list()).messages;
    state.isBroken = false;
    const run = await rig.client.dlq.resume({ dlqId: letter?.dlqId ?? "" });
    await rig.qstash.idle();
    await expectResult(rig, run.workflowRunId, expect.objectContaining({ two: 2 }));
    expect(state.calls).toEqual(["one", "two", "two", "two"]);
  });
});
