/** `context.call`: QStash asks a third party in place of the endpoint. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

const caller = createWorkflow(async (context: WorkflowContext<{ url: string; retries?: number }>) => {
  const { url, retries = 0 } = context.requestPayload;
  const answer = await context.call("ask", {
    url,
    method: "PUT",
    body: JSON.stringify({ question: "“why?”" }),
    headers: { "x-call": "7" },
    retries,
    retryDelay: "1000",
  });
  await context.run("after", () => {});
  return answer;
});

describe("a call", () => {
  it("asks the third party once, with the headers of the call and none of the run, and tells the endpoint once", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer(() => ({
      status: 201,
      headers: { "content-type": "application/json", "x-other": "o" },
      body: '{"n":1}',
    }));
    const runId = await rig.run("caller", { body: { url: other.url }, headers: { "x-user": "ada" } });
    // The payload, the answer, the result, and the step after it.
    expect(rig.deliveriesTo("caller")).toHaveLength(4);
    expect(other.deliveries).toHaveLength(1);
    const { method, body, headers } = at(other.deliveries, 0);
    expect({ method, body }).toEqual({ method: "PUT", body: '{"question":"“why?”"}' });
    expect(headers).toMatchObject({ "x-call": "7", "upstash-signature": expect.any(String) });
    expect(Object.keys(headers).filter((name) => name.startsWith("upstash-workflow") || name === "x-user")).toEqual([]);
    await expectResult(rig, runId, {
      status: 201,
      body: { n: 1 },
      header: expect.objectContaining({ "X-Other": ["o"] }) as object,
    });
  });

  it("tells the endpoint of the answer as QStash tells callbacks, with the user's headers", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    const runId = await rig.run("caller", { body: { url: other.url }, headers: { "x-user": "ada" } });
    const told = rig.deliveriesTo("caller").filter(({ headers }) => headers["upstash-workflow-callback"] === "true");
    expect(told).toHaveLength(1);
    const { headers, body } = at(told, 0);
    expect(headers).toMatchObject({
      "x-user": "ada",
      "content-type": "application/json",
      "upstash-workflow-calltype": "fromCallback",
      "upstash-workflow-runid": runId,
      "upstash-workflow-stepid": "1",
      "upstash-workflow-stepname": "ask",
      "upstash-workflow-steptype": "Call",
    });
    expect(headers).not.toHaveProperty("upstash-workflow-sdk-version");
    expect(JSON.parse(body)).toMatchObject({
      status: 200,
      url: other.url,
      retried: 0,
      maxRetries: 0,
      workflowRunId: runId,
    });
  });

  it.each([401, 300, 500])("that is answered with %d hands that to the run", async (status) => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer(() => ({ status, headers: { "content-type": "text/plain" }, body: "no" }));
    const runId = await rig.run("caller", { body: { url: other.url } });
    expect(rig.deliveriesTo("caller")).toHaveLength(4);
    await expectResult(rig, runId, { status, body: "no", header: expect.any(Object) as object });
  });

  it("is tried again as often as it says, and told once, when all is over", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer(() => ({ status: 503 }));
    const runId = await rig.run("caller", { body: { url: other.url, retries: 2 } });
    expect(rig.deliveriesTo("caller")).toHaveLength(1);
    await rig.advance(2_000);
    expect(other.deliveries).toHaveLength(3);
    expect(rig.deliveriesTo("caller")).toHaveLength(4);
    await expectResult(rig, runId, { status: 503, body: "", header: expect.any(Object) as object });
    expect((await rig.log(runId)).workflowState).toBe("RUN_SUCCESS");
  });

  it("that succeeds after a failure brings the success", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer((_, index) => ({ status: index === 0 ? 503 : 200 }));
    const runId = await rig.run("caller", { body: { url: other.url, retries: 1 } });
    await rig.advance(1_000);
    expect(other.deliveries).toHaveLength(2);
    await expectResult(rig, runId, expect.objectContaining({ status: 200 }));
  });

  it("that is refused for good by its destination is told at once", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer(() => ({ status: 489, headers: { "Upstash-NonRetryable-Error": "true" } }));
    const runId = await rig.run("caller", { body: { url: other.url, retries: 3 } });
    expect(other.deliveries).toHaveLength(1);
    await expectResult(rig, runId, expect.objectContaining({ status: 489 }));
  });

  it("that reaches nobody hands status 0 to the run, and leaves no dead letter", async () => {
    const rig = await startWorkflow({ caller });
    const runId = await rig.run("caller", { body: { url: "http://127.0.0.1:1/nobody" } });
    await expectResult(rig, runId, expect.objectContaining({ status: 0 }));
    expect((await rig.client.dlq.list()).messages).toEqual([]);
    expect((await rig.qstash.client.dlq.listMessages()).messages).toEqual([]);
  });

  it("keeps bytes as they are, for what is no text", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer(() => ({ status: 200, headers: { "content-type": "application/json" }, body: '"`“X” - 𐐷𐐶𐐹`"' }));
    const runId = await rig.run("caller", { body: { url: other.url } });
    await expectResult(rig, runId, expect.objectContaining({ body: "`“X” - 𐐷𐐶𐐹`" }));
  });

  it("more than is allowed fails the run without a retry", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    const runId = await rig.run("caller", { body: { url: other.url, retries: 1_000_000 } });
    expect(other.deliveries).toHaveLength(0);
    const { workflowState, steps } = await rig.log(runId);
    expect(workflowState).toBe("RUN_FAILED");
    expect(steps.at(-1)).toMatchObject({ type: "next", steps: [{ state: "STEP_FAILED", errors: [{ status: 489 }] }] });
  });

  it("whose answer the endpoint cannot take fails the run after its retries", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    rig.qstash.faults.add({ server: "delivery", match: '"sourceMessageId"', action: "status", status: 500 });
    const runId = await rig.run("caller", { body: { url: other.url }, retries: 1, retryDelay: "1000" });
    await rig.advance(1_000);
    expect(other.deliveries).toHaveLength(1);
    const log = await rig.log(runId);
    expect(log.workflowState).toBe("RUN_FAILED");
    expect(log.steps.at(-1)).toMatchObject({
      type: "sequential",
      steps: [
        { stepName: "ask", callType: "fromCallback", state: "STEP_FAILED", errors: [{ status: 500 }, { status: 500 }] },
      ],
    });
  });

  it("whose run is cancelled meanwhile is answered for nobody", async () => {
    const rig = await startWorkflow({ caller });
    const other = await startDestination();
    other.answer(async () => {
      await rig.client.cancel("wfr_called");
      return { status: 200 };
    });
    await rig.run("caller", { workflowRunId: "called", body: { url: other.url } });
    expect(rig.deliveriesTo("caller")).toHaveLength(1);
    expect((await rig.log("wfr_called")).workflowState).toBe("RUN_CANCELED");
  });

  it("of another workflow starts a run of its own and returns its id", async () => {
    const child = createWorkflow(async (context: WorkflowContext<string>) =>
      context.run("answer", () => `${context.requestPayload}!`),
    );
    const parent = createWorkflow(async (context) => {
      const { body } = await context.call("call child", {
        workflow: child,
        body: "hello",
        headers: { "x-child": "1" },
      });
      return body.workflowRunId;
    });
    const rig = await startWorkflow({ parent, child });
    const runId = await rig.run("parent");
    expect(rig.deliveriesTo("parent")).toHaveLength(3);
    expect(rig.deliveriesTo("child")).toHaveLength(1 + 2);
    const childId = JSON.parse((await rig.log(runId)).workflowRunResponse ?? "") as string;
    await expectResult(rig, childId, "hello!");
  });

  it("side by side with others takes a delivery for the plan, the answer and the result of each", async () => {
    const several = createWorkflow(async (context: WorkflowContext<string>) => {
      const url = context.requestPayload;
      const answers = await Promise.all([
        context.call("one", { url, method: "POST", body: "1" }),
        context.call("two", { url, method: "POST", body: "2" }),
        context.run("three", () => ({ status: 3 })),
      ]);
      return answers.map(({ status }) => status);
    });
    const rig = await startWorkflow({ several });
    const other = await startDestination();
    other.answer(({ body }) => ({ status: body === "1" ? 201 : 402 }));
    const runId = await rig.run("several", { body: other.url });
    expect(other.deliveries).toHaveLength(2);
    expect(rig.deliveriesTo("several")).toHaveLength(1 + 3 + 2 + 3);
    await expectResult(rig, runId, [201, 402, 3]);
  });
});
