/** The logs of runs, as the SDK reads them. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, startDestination } from "./qstash-rig.ts";
import { startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const hourMs = 3_600_000;

const sleeper = createWorkflow(async (context) => {
  await context.run("before", () => ({ n: 1 }));
  await context.sleep("sleep", "1h");
  return "done";
});

const groupsOf = async (rig: WorkflowRig, runId: string) => (await rig.log(runId)).steps;

describe("the log of a run", () => {
  it("shows the payload, the steps and what is on its way", async () => {
    const rig = await startWorkflow({ sleeper });
    const nowMs = rig.qstash.clock.now();
    const runId = await rig.run("sleeper", { body: "p", headers: { "x-user": "ada" }, label: ["a", "b"] });
    const { runs, cursor } = await rig.client.logs({ workflowRunId: runId });
    expect(cursor).toBeUndefined();
    expect(runs).toEqual([
      {
        workflowRunId: runId,
        workflowUrl: rig.urlOf("sleeper"),
        workflowState: "RUN_STARTED",
        workflowRunCreatedAt: nowMs,
        label: "a",
        labels: ["a", "b"],
        steps: [
          {
            type: "sequential",
            steps: [
              {
                stepName: "init",
                stepType: "Initial",
                callType: "step",
                messageId: expect.stringMatching(/^msg_/),
                out: "p",
                retries: 3,
                concurrent: 1,
                state: "STEP_SUCCESS",
                createdAt: nowMs,
                headers: {
                  "Content-Type": ["application/json"],
                  "Upstash-Label": ["a,b"],
                  "Upstash-Workflow-Sdk-Version": ["1"],
                  "X-User": ["ada"],
                },
              },
            ],
          },
          {
            type: "sequential",
            steps: [expect.objectContaining({ stepId: 1, stepName: "before", out: '{"n":1}', state: "STEP_SUCCESS" })],
          },
          {
            type: "sequential",
            steps: [
              expect.objectContaining({ stepId: 2, stepType: "SleepFor", sleepFor: "1h", state: "STEP_PROGRESS" }),
            ],
          },
        ],
      },
    ]);
    await rig.advance(hourMs);
    expect(await rig.log(runId)).toMatchObject({
      workflowState: "RUN_SUCCESS",
      workflowRunCompletedAt: nowMs + hourMs,
      workflowRunResponse: '"done"',
    });
    expect((await groupsOf(rig, runId)).map(({ type }) => type)).toEqual(["sequential", "sequential", "sequential"]);
  });

  it("of a cancelled sleep shows that it was cancelled", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    await rig.client.cancel(runId);
    expect(at(await groupsOf(rig, runId), 2)).toMatchObject({ steps: [{ stepName: "sleep", state: "STEP_CANCELED" }] });
  });

  it("shows a retry with what went wrong, and the name of the step where the SDK tells it", async () => {
    const fails = createWorkflow(async (context) => {
      await context.run("the bad one", () => {
        throw new Error("broken");
      });
    });
    const rig = await startWorkflow({ fails });
    const runId = await rig.run("fails", { retryDelay: "1000" });
    const nowMs = rig.qstash.clock.now();
    expect(at(await groupsOf(rig, runId), 1)).toEqual({
      type: "next",
      steps: [
        {
          messageId: expect.stringMatching(/^msg_/),
          stepName: "the bad one",
          state: "STEP_RETRY",
          retries: 3,
          retryDelay: "1000",
          errors: [
            {
              error: "500 Internal Server Error",
              status: 500,
              body: expect.stringContaining('"message":"broken"'),
              headers: expect.objectContaining({ "Upstash-Error-Step-Name": ["the bad one"] }) as object,
              time: nowMs,
            },
          ],
        },
      ],
    });
    await rig.advance(3_000);
    expect(at(await groupsOf(rig, runId), 1)).toMatchObject({
      type: "next",
      steps: [{ state: "STEP_FAILED", errors: [{ time: nowMs }, {}, {}, { time: nowMs + 3_000 }] }],
    });
  });

  it("keeps the failures on the way to a step that succeeded", async () => {
    let attempts = 0;
    const flaky = createWorkflow(async (context) => {
      await context.run("flaky", () => {
        attempts += 1;
        if (attempts === 1) throw new Error("once");
      });
    });
    const rig = await startWorkflow({ flaky });
    const runId = await rig.run("flaky", { retryDelay: "1000" });
    await rig.advance(1_000);
    expect(at(await groupsOf(rig, runId), 1)).toMatchObject({
      type: "sequential",
      steps: [{ stepName: "flaky", state: "STEP_SUCCESS", errors: [{ status: 500 }] }],
    });
  });

  it("shows a call while it is under way, and its answer afterwards", async () => {
    const caller = createWorkflow(async (context: WorkflowContext<string>) => {
      await context.call("ask", { url: context.requestPayload, method: "POST", body: "q", headers: { "x-call": "1" } });
      await context.sleep("sleep", "1h");
    });
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    let during: unknown;
    other.answer(async () => {
      during = at(await groupsOf(rig, "wfr_caller"), 1);
      return { status: 201, headers: { "x-other": "o" }, body: "a" };
    });
    await rig.run("caller", { body: other.url, workflowRunId: "caller" });
    const asked = { stepName: "ask", stepType: "Call", callUrl: other.url, callMethod: "POST", callBody: "q" };
    expect(during).toMatchObject({
      type: "sequential",
      steps: [{ ...asked, callType: "toCallback", state: "STEP_PROGRESS", callHeaders: { "X-Call": ["1"] } }],
    });
    expect(at(await groupsOf(rig, "wfr_caller"), 1)).toMatchObject({
      type: "sequential",
      steps: [
        {
          ...asked,
          callType: "step",
          state: "STEP_SUCCESS",
          callResponseStatus: 201,
          callResponseBody: "a",
          callResponseHeaders: expect.objectContaining({ "X-Other": ["o"] }) as object,
        },
      ],
    });
  });

  it("shows a wait with its deadline, and whether it timed out", async () => {
    const waiter = createWorkflow(async (context) => {
      await context.waitForEvent("wait", "go", { timeout: "1h" });
      await context.sleep("sleep", "1h");
    });
    const rig = await startWorkflow({ waiter });
    const waiting = {
      stepName: "wait",
      stepType: "Wait",
      waitEventId: "go",
      waitTimeoutDuration: "1h",
      waitTimeoutDeadline: rig.qstash.clock.now() + hourMs,
    };
    const runId = await rig.run("waiter");
    expect(at(await groupsOf(rig, runId), 1)).toMatchObject({ steps: [{ ...waiting, state: "STEP_PROGRESS" }] });
    await rig.advance(hourMs);
    expect(at(await groupsOf(rig, runId), 1)).toMatchObject({
      steps: [{ ...waiting, state: "STEP_SUCCESS", waitTimeout: true }],
    });
  });

  it("shows an invocation with the run that it started", async () => {
    const parent = createWorkflow(async (context) => {
      await context.invoke("ask", {
        workflow: sleeper,
        body: "p",
        headers: { "x-child": "1" },
        workflowRunId: "child",
      });
    });
    const rig = await startWorkflow({ parent, sleeper });
    const runId = await rig.run("parent");
    expect(at(await groupsOf(rig, runId), 1)).toMatchObject({
      steps: [
        {
          stepName: "ask",
          stepType: "Invoke",
          state: "STEP_PROGRESS",
          invokedWorkflowRunId: "wfr_child",
          invokedWorkflowUrl: rig.urlOf("sleeper"),
          invokedWorkflowRunBody: "p",
          invokedWorkflowRunHeaders: { "X-Child": ["1"] },
        },
      ],
    });
  });

  it("shows steps side by side as one group, each with its own state", async () => {
    const both = createWorkflow(async (context) => {
      await Promise.all([context.run("run", () => 1), context.sleep("sleep", "1h")]);
      await context.sleep("sleep again", "1h");
    });
    const rig = await startWorkflow({ both });
    // A result whose delivery is still on its way is nothing that comes next.
    rig.qstash.faults.add({ server: "delivery", match: '"out":"1"', action: "status", status: 500, count: 1 });
    const runId = await rig.run("both");
    const groupAt = async (index: number) => at(await groupsOf(rig, runId), index);
    expect(await groupsOf(rig, runId)).toHaveLength(2);
    expect(await groupAt(1)).toMatchObject({
      type: "parallel",
      steps: [
        { stepId: 1, stepName: "run", state: "STEP_SUCCESS", out: "1", concurrent: 2 },
        { stepId: 2, stepName: "sleep", state: "STEP_PROGRESS", concurrent: 2 },
      ],
    });
    await rig.advance(hourMs);
    expect(await groupAt(1)).toMatchObject({ steps: [{ state: "STEP_SUCCESS" }, { state: "STEP_SUCCESS" }] });
    expect(await groupAt(2)).toMatchObject({ type: "sequential", steps: [{ stepName: "sleep again" }] });
  });
});
