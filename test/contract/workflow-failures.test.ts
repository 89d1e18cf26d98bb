/** Deliveries that fail, runs that fail because of it, and who is told. */
import type { WorkflowContext } from "@upstash/workflow";
import { WorkflowNonRetryableError, WorkflowRetryAfterError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

/** Fails in its step as often as its payload says, each time in another way. */
function flaky(failure: (attempt: number) => Error, failureFunction?: () => string) {
  let attempts = 0;
  return createWorkflow(
    async (context: WorkflowContext<number>) => {
      await context.run("flaky", () => {
        attempts += 1;
        if (attempts <= context.requestPayload) throw failure(attempts);
      });
      return "done";
    },
    failureFunction === undefined ? {} : { failureFunction },
  );
}

const broken = () => new Error("broken");

const stepDeliveries = (rig: WorkflowRig, name: string) =>
  rig.deliveriesTo(name).filter(({ headers }) => headers["upstash-workflow-calltype"] === "step");
const failureCalls = (rig: WorkflowRig, name: string) =>
  rig.deliveriesTo(name).filter(({ headers }) => headers["upstash-workflow-calltype"] === "failureCall");

describe("a step that throws", () => {
  it("is delivered again until it succeeds", async () => {
    const rig = await startWorkflow({ flaky: flaky(broken) });
    const runId = await rig.run("flaky", { body: 2, retryDelay: "1000 * (1 + retried)" });
    expect(rig.deliveriesTo("flaky")).toHaveLength(1);
    await rig.advance(1_000);
    expect(rig.deliveriesTo("flaky")).toHaveLength(2);
    await rig.advance(2_000);
    expect(rig.deliveriesTo("flaky")).toHaveLength(4);
    expect(rig.deliveriesTo("flaky").map(({ headers }) => headers["upstash-retried"])).toEqual(["0", "1", "2", "0"]);
    await expectResult(rig, runId, "done");
  });

  it("is delivered four times by default, and fails its run", async () => {
    const rig = await startWorkflow({ flaky: flaky(broken) });
    const runId = await rig.run("flaky", { body: 99 });
    await rig.advance(86_400_000);
    expect(stepDeliveries(rig, "flaky")).toHaveLength(4);
    expect(failureCalls(rig, "flaky")).toHaveLength(1);
    expect(await rig.log(runId)).toMatchObject({ workflowState: "RUN_FAILED", dlqId: expect.any(String) });
  });

  it("is delivered once when no retry is wanted", async () => {
    const rig = await startWorkflow({ flaky: flaky(broken) });
    await rig.run("flaky", { body: 99, retries: 0 });
    expect(stepDeliveries(rig, "flaky")).toHaveLength(1);
  });

  it("for good is not delivered again", async () => {
    const rig = await startWorkflow({ flaky: flaky(() => new WorkflowNonRetryableError("never")) });
    const runId = await rig.run("flaky", { body: 99, retries: 3 });
    expect(stepDeliveries(rig, "flaky")).toHaveLength(1);
    const { steps, workflowState } = await rig.log(runId);
    expect(workflowState).toBe("RUN_FAILED");
    expect(steps.at(-1)).toMatchObject({ type: "next", steps: [{ state: "STEP_FAILED", errors: [{ status: 489 }] }] });
  });

  it("with a time to wait is delivered again after that time", async () => {
    const rig = await startWorkflow({ flaky: flaky(() => new WorkflowRetryAfterError("busy", 90)) });
    const runId = await rig.run("flaky", { body: 1, retries: 1, retryDelay: "1000" });
    await rig.advance(89_999);
    expect(rig.deliveriesTo("flaky")).toHaveLength(1);
    await rig.advance(1);
    expect(rig.deliveriesTo("flaky")).toHaveLength(3);
    await expectResult(rig, runId, "done");
  });

  it("side by side with others takes all of them down, and they are not delivered again", async () => {
    const rig = await startWorkflow({
      both: createWorkflow(async (context) => {
        await Promise.all([
          context.sleep("sleep", 60),
          context.run("fail", () => {
            throw broken();
          }),
        ]);
      }),
    });
    const runId = await rig.run("both", { retries: 0 });
    await rig.advance(60_000);
    expect(stepDeliveries(rig, "both")).toHaveLength(2);
    expect((await rig.log(runId)).workflowState).toBe("RUN_FAILED");
  });

  it("in a run that ended meanwhile is not delivered again", async () => {
    const rig = await startWorkflow({
      late: createWorkflow(async (context) => {
        await context.run("cancel, then fail", async () => {
          await rig.client.cancel(context.workflowRunId);
          throw broken();
        });
      }),
    });
    const runId = await rig.run("late");
    await rig.advance(86_400_000);
    expect(rig.deliveriesTo("late")).toHaveLength(1);
    expect((await rig.log(runId)).workflowState).toBe("RUN_CANCELED");
    expect((await rig.client.dlq.list()).messages).toEqual([]);
  });
});

describe("a run that returns before its first step", () => {
  it("is refused by the SDK, and fails like any other", async () => {
    const rig = await startWorkflow({ early: createWorkflow(() => Promise.resolve()) });
    const runId = await rig.run("early", { retries: 1, retryDelay: "1000" });
    await rig.advance(1_000);
    expect(stepDeliveries(rig, "early")).toHaveLength(2);
    expect((await rig.log(runId)).steps.at(-1)).toMatchObject({
      steps: [{ errors: [{ status: 400 }, { status: 400 }] }],
    });
  });
});

describe("a failure function", () => {
  it("is called once, with the error, the payload and the headers of the run", async () => {
    const seen: unknown[] = [];
    const rig = await startWorkflow({
      fails: createWorkflow(
        async (context: WorkflowContext<string>) => {
          await context.run("fail", () => {
            throw broken();
          });
        },
        {
          failureFunction: ({ context, failStatus, failResponse }) => {
            const { requestPayload, workflowRunId, label } = context;
            seen.push({
              requestPayload,
              workflowRunId,
              label,
              failStatus,
              failResponse,
              user: context.headers.get("x-user"),
            });
            return "noted";
          },
        },
      ),
    });
    const runId = await rig.run("fails", { body: "“p”", retries: 0, label: "l", headers: { "x-user": "ada" } });
    expect(rig.deliveriesTo("fails")).toHaveLength(2);
    expect(seen).toEqual([
      { requestPayload: "“p”", workflowRunId: runId, label: "l", failStatus: 500, failResponse: "broken", user: "ada" },
    ]);
    expect((await rig.log(runId)).failureFunction).toMatchObject({
      state: "CALLBACK_SUCCESS",
      url: rig.urlOf("fails"),
      failStatus: 500,
      responseStatus: 200,
      responseBody: '{"result":"noted"}',
    });
  });

  it("that is not there is as if nobody had been called", async () => {
    const rig = await startWorkflow({ flaky: flaky(broken) });
    const runId = await rig.run("flaky", { body: 99, retries: 0 });
    expect(rig.deliveriesTo("flaky")).toHaveLength(2);
    expect(await rig.log(runId)).not.toHaveProperty("failureFunction");
    expect(at((await rig.client.dlq.list()).messages, 0)).not.toHaveProperty("failureCallbackInfo");
  });

  it("that fails is called again as often as the run is retried, and its state is kept with the dead letter", async () => {
    let calls = 0;
    const failureFunction = () => {
      calls += 1;
      throw new Error("cannot note it");
    };
    const rig = await startWorkflow({ flaky: flaky(() => new WorkflowNonRetryableError("no"), failureFunction) });
    const runId = await rig.run("flaky", { body: 99, retries: 2, retryDelay: "1000" });
    const stateNow = async () => at((await rig.client.dlq.list()).messages, 0).failureCallbackInfo;
    expect(await stateNow()).toEqual({ state: "CALLBACK_INPROGRESS" });
    await rig.advance(2_000);
    expect(calls).toBe(3);
    expect(failureCalls(rig, "flaky")).toHaveLength(3);
    expect(await stateNow()).toMatchObject({ state: "CALLBACK_FAIL", responseStatus: 500 });
    const { failureFunction: log, workflowState } = await rig.log(runId);
    expect(workflowState).toBe("RUN_FAILED");
    expect(log).toMatchObject({ state: "CALLBACK_FAIL", errors: [{ status: 500 }, { status: 500 }, { status: 500 }] });
  });
});

describe("a failure URL", () => {
  it("is told in place of the endpoint, with the body of a failure callback", async () => {
    const rig = await startWorkflow({ flaky: flaky(broken) });
    const watcher = await startDestination();
    const runId = await rig.run("flaky", {
      body: 99,
      retries: 0,
      failureUrl: watcher.url,
      headers: { "x-user": "ada" },
    });
    expect(rig.deliveriesTo("flaky")).toHaveLength(1);
    expect(watcher.deliveries).toHaveLength(1);
    const { headers, body } = at(watcher.deliveries, 0);
    expect(headers).toMatchObject({
      "x-user": "ada",
      "upstash-workflow-is-failure": "true",
      "upstash-workflow-runid": runId,
      "upstash-workflow-calltype": "failureCall",
      "content-type": "application/json",
    });
    const told = JSON.parse(body) as Record<string, string>;
    expect(told).toMatchObject({
      status: 500,
      url: rig.urlOf("flaky"),
      workflowRunId: runId,
      workflowCreatedAt: rig.qstash.clock.now(),
      sourceBody: Buffer.from("99").toString("base64"),
      dlqId: (await rig.log(runId)).dlqId,
      retried: 0,
      maxRetries: 0,
    });
    expect(JSON.parse(Buffer.from(told["body"] ?? "", "base64").toString("utf8"))).toMatchObject({ message: "broken" });
  });

  it("is not told of a run that was cancelled, nor of one that succeeds", async () => {
    const rig = await startWorkflow({ flaky: flaky(broken) });
    const watcher = await startDestination();
    const runId = await rig.run("flaky", { body: 1, retries: 1, failureUrl: watcher.url });
    await rig.client.cancel(runId);
    const other = await rig.run("flaky", { body: 0, failureUrl: watcher.url });
    await rig.advance(86_400_000);
    await expectResult(rig, other, "done");
    expect(watcher.deliveries).toHaveLength(0);
  });
});
