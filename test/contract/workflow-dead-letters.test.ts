/** Runs that failed: found, told of again, deleted. */
import { WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { breakable, call, failRun } from "./breakable-workflow.ts";
import { at } from "./qstash-rig.ts";
import { startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

describe("the dead letters of runs", () => {
  it("show the run, the message that failed and the answer", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow", { label: "l", body: "p" });
    const { messages, cursor } = await rig.client.dlq.list();
    expect(cursor).toBeUndefined();
    expect(messages).toMatchObject([
      {
        dlqId,
        workflowUrl: rig.urlOf("workflow"),
        workflowRunId: expect.stringMatching(/^wfr_/),
        workflowCreatedAt: rig.qstash.clock.now(),
        url: rig.urlOf("workflow"),
        method: "POST",
        maxRetries: 3,
        callerIP: "127.0.0.1",
        label: "l",
        failureCallback: rig.urlOf("workflow"),
        responseStatus: 489,
        responseBody: expect.stringContaining("broken"),
      },
    ]);
    expect(await call(rig, "GET", `workflows/dlq/${dlqId}`)).toEqual({ status: 200, body: at(messages, 0) });
    expect(await call(rig, "GET", `dlq/${dlqId}`)).toEqual({ status: 200, body: at(messages, 0) });
    expect((await call(rig, "GET", "workflows/dlq")).body).toEqual({ messages });
  });

  it("stand apart from those of plain messages", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow");
    await rig.qstash.client.publish({ url: "http://127.0.0.1:1/nobody", retries: 0 });
    await rig.qstash.idle();
    const plain = (await rig.qstash.client.dlq.listMessages()).messages;
    expect(plain.map(({ url }) => url)).toEqual(["http://127.0.0.1:1/nobody"]);
    expect((await rig.client.dlq.list()).messages.map((letter) => letter.dlqId)).toEqual([dlqId]);
    expect((await call(rig, "POST", `dlq/retry/${dlqId}`)).status).toBe(404);
    expect((await call(rig, "DELETE", "dlq")).body).toEqual({ deleted: 1 });
    expect((await rig.client.dlq.list()).messages).toHaveLength(1);
  });

  it("pass all of their filters, and are paged", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const ids = [
      await failRun(rig, "workflow", { label: "a", flowControl: { key: "k", parallelism: 9 } }),
      await failRun(rig, "workflow", { label: ["b", "c"] }),
      await failRun(rig, "workflow"),
    ];
    const found = async (query: string) => {
      const { body } = await call(rig, "GET", `workflows/dlq?${query}`);
      return (body["messages"] as { dlqId: string }[])
        .map(({ dlqId }) => ids.indexOf(dlqId))
        .toSorted((left, right) => left - right);
    };
    const { workflowRunId } = at((await rig.client.dlq.list()).messages, 0);
    const nowMs = rig.qstash.clock.now();
    expect(await found("label=a,c")).toEqual([0, 1]);
    expect(await found("flowControlKey=k")).toEqual([0]);
    expect(await found(`workflowRunId=${workflowRunId}`)).toEqual([2]);
    expect(await found(`dlqIds=${ids[0]}&dlqIds=${ids[1]}&label=b`)).toEqual([1]);
    expect(await found(`workflowUrl=${encodeURIComponent(rig.urlOf("workflow"))}&responseStatus=489`)).toEqual([
      0, 1, 2,
    ]);
    expect(await found(`fromDate=${nowMs}&toDate=${nowMs}&workflowCreatedAt=${nowMs}&callerIp=127.0.0.1`)).toEqual([
      0, 1, 2,
    ]);
    expect(await found(`fromDate=${nowMs + 1}`)).toEqual([]);
    expect(await found("failureFunctionState=CALLBACK_FAIL")).toEqual([]);
    const first = await rig.client.dlq.list({ count: 2 });
    expect(first.messages.map(({ dlqId }) => ids.indexOf(dlqId))).toEqual([2, 1]);
    const second = await rig.client.dlq.list({ count: 2, cursor: first.cursor ?? "" });
    expect(second.messages.map(({ dlqId }) => ids.indexOf(dlqId))).toEqual([0]);
    for (const query of ["host=127.0.0.1", "path=/x", "messageId=msg_x", "state=RUN_FAILED", "count=many"])
      expect((await call(rig, "GET", `workflows/dlq?${query}`)).status).toBe(400);
  });

  it("are deleted by id, by filter, and all", async () => {
    const { workflow } = breakable();
    const rig = await startWorkflow({ workflow });
    const ids: string[] = [];
    for (const label of ["a", "b", "c", "d", "e"]) ids.push(await failRun(rig, "workflow", { label }));
    expect(await rig.client.dlq.delete(at(ids, 0))).toEqual({ deleted: 1 });
    expect(await rig.client.dlq.delete([at(ids, 0), at(ids, 1)])).toEqual({ deleted: 1 });
    expect(await rig.client.dlq.delete({ filter: { label: "c" } })).toEqual({ deleted: 1 });
    expect((await call(rig, "DELETE", "workflows/dlq?labels=d")).status).toBe(400);
    expect(await rig.client.dlq.delete({ all: true, count: 1 })).toEqual({ deleted: 1, cursor: "0" });
    const [last] = (await rig.client.dlq.list()).messages;
    expect((await call(rig, "DELETE", `workflows/dlq/${last?.dlqId}`)).status).toBe(200);
    expect((await call(rig, "DELETE", `workflows/dlq/${last?.dlqId}`)).status).toBe(404);
    expect((await call(rig, "GET", `workflows/dlq/${last?.dlqId}`)).status).toBe(404);
  });
});

describe("a failure callback", () => {
  async function failTwice() {
    const state = { isDeaf: true, told: 0 };
    const workflow = createWorkflow(
      async (context) => {
        await context.run("fail", () => {
          throw new WorkflowNonRetryableError("broken");
        });
      },
      {
        failureFunction: () => {
          state.told += 1;
          if (state.isDeaf) throw new Error("deaf");
          return "heard";
        },
      },
    );
    const rig = await startWorkflow({ workflow });
    const dlqId = await failRun(rig, "workflow", { retries: 1, retryDelay: "1000" });
    return { rig, state, dlqId };
  }

  const stateNow = async (rig: WorkflowRig) => at((await rig.client.dlq.list()).messages, 0).failureCallbackInfo?.state;

  it("that failed is repeated by hand, and only then", async () => {
    const { rig, state, dlqId } = await failTwice();
    expect((await call(rig, "POST", `workflows/dlq/callback/${dlqId}`)).status).toBe(400);
    await rig.advance(1_000);
    expect(await stateNow(rig)).toBe("CALLBACK_FAIL");
    state.isDeaf = false;
    const { workflowRunId } = await rig.client.dlq.retryFailureFunction({ dlqId });
    await rig.qstash.idle();
    expect(state.told).toBe(3);
    expect(await stateNow(rig)).toBe("CALLBACK_SUCCESS");
    expect((await rig.log(workflowRunId)).failureFunction).toMatchObject({ responseBody: '{"result":"heard"}' });
    expect((await call(rig, "POST", `workflows/dlq/callback/${dlqId}`)).status).toBe(400);
    expect((await call(rig, "POST", "workflows/dlq/callback/1-1")).status).toBe(404);
  });

  it("on its way is called off by hand, and only then", async () => {
    const { rig, state, dlqId } = await failTwice();
    expect((await call(rig, "DELETE", `workflows/dlq/callback/${dlqId}`)).status).toBe(200);
    await rig.advance(1_000);
    expect(state.told).toBe(1);
    expect(await stateNow(rig)).toBe("CALLBACK_CANCELED");
    expect((await call(rig, "DELETE", `workflows/dlq/callback/${dlqId}`)).status).toBe(400);
  });
});
