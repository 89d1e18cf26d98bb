/** `context.invoke`: a run that waits for the end of another. */
import type { WorkflowContext } from "@upstash/workflow";
import { WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at } from "./qstash-rig.ts";
import { expectResult, startWorkflow, type Workflows } from "./workflow-rig.ts";

const child = createWorkflow(async (context: WorkflowContext<string>) => {
  const answer = await context.run("work", () => `${context.requestPayload}, ${context.headers.get("x-child")}`);
  return { answer, label: context.label };
});

const parent = createWorkflow(async (context) =>
  context.invoke("ask child", {
    workflow: child,
    body: "hello",
    headers: { "x-child": "c" },
    label: "asked",
    workflowRunId: "the-child",
  }),
);

const failing = createWorkflow(async (context) => {
  await context.run("fail", () => {
    throw new WorkflowNonRetryableError("no");
  });
});

const sleeping = createWorkflow(async (context) => {
  await context.sleep("sleep", 60);
  return "slept";
});

const parentOf = (workflow: Workflows[string]) =>
  createWorkflow(async (context) => context.invoke("ask", { workflow, body: "", workflowRunId: "the-child" }));

describe("an invoked run", () => {
  it("hands its result to the run that waits for it, in one delivery", async () => {
    const rig = await startWorkflow({ parent, child });
    const runId = await rig.run("parent", { headers: { "x-user": "ada" } });
    expect(rig.deliveriesTo("parent")).toHaveLength(2);
    expect(rig.deliveriesTo("child")).toHaveLength(2);
    await expectResult(rig, runId, {
      workflowRunId: "wfr_the-child",
      body: { answer: "hello, c", label: "asked" },
      isFailed: false,
      isCanceled: false,
    });
    expect(rig.deliveriesTo("child").map(({ headers }) => headers["x-user"])).toEqual([undefined, undefined]);
    expect(at(rig.deliveriesTo("parent"), 1).headers["x-user"]).toBe("ada");
  });

  it("counts how deep it is, and names its invoker in the log", async () => {
    const rig = await startWorkflow({ parent, child });
    const runId = await rig.run("parent");
    const depths = rig.deliveriesTo("child").map(({ headers }) => headers["upstash-workflow-invoke-count"]);
    expect(depths).toEqual(["1", "1"]);
    const { workflowRunCreatedAt, workflowUrl } = await rig.log(runId);
    expect((await rig.log("wfr_the-child")).invoker).toEqual({
      workflowRunId: runId,
      workflowUrl,
      workflowRunCreatedAt,
    });
  });

  it("that fails ends the step, and not the run that waits", async () => {
    const rig = await startWorkflow({ parentOfFailing: parentOf(failing), failing });
    const runId = await rig.run("parentOfFailing");
    expect(rig.deliveriesTo("parentOfFailing")).toHaveLength(2);
    await expectResult(rig, runId, { workflowRunId: "wfr_the-child", isFailed: true, isCanceled: false });
  });

  it("that is cancelled ends the step too", async () => {
    const rig = await startWorkflow({ parentOfSleeping: parentOf(sleeping), sleeping });
    const runId = await rig.run("parentOfSleeping");
    await rig.client.cancel("wfr_the-child");
    await rig.qstash.idle();
    expect(rig.deliveriesTo("parentOfSleeping")).toHaveLength(2);
    await expectResult(rig, runId, { workflowRunId: "wfr_the-child", isFailed: false, isCanceled: true });
  });

  it("goes on when the run that waits is cancelled, and its end is told to nobody", async () => {
    const rig = await startWorkflow({ parentOfSleeping: parentOf(sleeping), sleeping });
    const runId = await rig.run("parentOfSleeping");
    await rig.client.cancel(runId);
    expect(at((await rig.log(runId)).steps, 1).steps[0]).toMatchObject({ stepName: "ask", state: "STEP_PROGRESS" });
    await rig.advance(60_000);
    expect(rig.deliveriesTo("sleeping")).toHaveLength(2);
    await expectResult(rig, "wfr_the-child", "slept");
    expect(rig.deliveriesTo("parentOfSleeping")).toHaveLength(1);
    const log = await rig.log(runId);
    expect(log.workflowState).toBe("RUN_CANCELED");
    expect(at(log.steps, 1).steps[0]).toMatchObject({ stepName: "ask", stepType: "Invoke", state: "STEP_SUCCESS" });
  });

  it("goes on when the run that waits has failed in a step beside it", async () => {
    const rig = await startWorkflow({
      both: createWorkflow(async (context) => {
        await Promise.all([
          context.invoke("ask", { workflow: sleeping, body: "" }),
          context.run("fail", () => {
            throw new WorkflowNonRetryableError("no");
          }),
        ]);
      }),
      sleeping,
    });
    // After the invocation, or there would be none.
    rig.qstash.faults.add({
      server: "delivery",
      match: '"stepName":"fail"',
      action: "delay",
      delayMs: 1_000,
      count: 1,
    });
    const runId = await rig.run("both");
    await rig.advance(60_000);
    const log = await rig.log(runId);
    expect(log.workflowState).toBe("RUN_FAILED");
    expect(at(log.steps, 1)).toMatchObject({
      type: "parallel",
      steps: [
        { stepName: "ask", state: "STEP_SUCCESS" },
        { stepName: "fail", state: "STEP_FAILED", errors: [{ status: 489 }] },
      ],
    });
    expect(rig.deliveriesTo("sleeping")).toHaveLength(2);
  });

  it("side by side with another takes a delivery for each plan and each result", async () => {
    const rig = await startWorkflow({
      both: createWorkflow(async (context) => {
        const answers = await Promise.all([
          context.invoke("one", { workflow: child, body: "1" }),
          context.invoke("two", { workflow: child, body: "2" }),
        ]);
        return answers.map(({ body }) => (body as { answer: string }).answer);
      }),
      child,
    });
    const runId = await rig.run("both");
    expect(rig.deliveriesTo("both")).toHaveLength(1 + 2 + 2);
    expect(rig.deliveriesTo("child")).toHaveLength(2 + 2);
    await expectResult(rig, runId, ["1, null", "2, null"]);
  });

  it("may invoke others, down to its own end", async () => {
    const middle = createWorkflow(
      async (context) => (await context.invoke("down", { workflow: child, body: "x" })).body,
    );
    const rig = await startWorkflow({
      top: createWorkflow(async (context) => (await context.invoke("down", { workflow: middle, body: "" })).body),
      middle,
      child,
    });
    const runId = await rig.run("top");
    expect(["top", "middle", "child"].map((name) => rig.deliveriesTo(name).length)).toEqual([2, 2, 2]);
    expect(at(rig.deliveriesTo("child"), 0).headers["upstash-workflow-invoke-count"]).toBe("2");
    await expectResult(rig, runId, { answer: "x, null" });
  });

  it("with the id of a run that somebody else started fails the run that asked, without waiting", async () => {
    const rig = await startWorkflow({ parentOfSleeping: parentOf(sleeping), sleeping });
    await rig.run("sleeping", { workflowRunId: "the-child" });
    const runId = await rig.run("parentOfSleeping");
    expect((await rig.log(runId)).workflowState).toBe("RUN_FAILED");
  });

  it("that is no workflow fails by itself, and the run that waits is told", async () => {
    const rig = await startWorkflow({ parent, child });
    rig.qstash.faults.add({ server: "delivery", match: "/child", action: "status", status: 200, body: "hello" });
    const runId = await rig.run("parent");
    await expectResult(rig, runId, { workflowRunId: "wfr_the-child", isFailed: true, isCanceled: false });
  });
});
