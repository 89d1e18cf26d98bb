/** How runs end before they are done: cancelled one by one or in bulk, from outside or by themselves. */
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const hourMs = 3_600_000;

const sleeper = createWorkflow(async (context) => {
  await context.run("before", () => {});
  await context.sleep("sleep", "1h");
  return "done";
});

const stateOf = async (rig: WorkflowRig, runId: string) => (await rig.log(runId)).workflowState;
const statesOf = (rig: WorkflowRig, runIds: string[]) => Promise.all(runIds.map((runId) => stateOf(rig, runId)));

const remove = async (rig: WorkflowRig, path: string, body?: string) => {
  const response = await rig.qstash.call("DELETE", `/v2/workflows/${path}`, body === undefined ? {} : { body });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as object) };
};

describe("a run that is cancelled", () => {
  it("in its sleep is delivered no more", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    expect(await rig.client.cancel(runId)).toEqual({ cancelled: 1 });
    await rig.advance(hourMs);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(2);
    expect(await rig.log(runId)).toMatchObject({
      workflowState: "RUN_CANCELED",
      workflowRunCompletedAt: rig.qstash.clock.now() - hourMs,
    });
  });

  it("is cancelled once, and an unknown one never", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    expect(await rig.client.cancel([runId, "wfr_nobody"])).toEqual({ cancelled: 1 });
    expect(await rig.client.cancel(runId)).toEqual({ cancelled: 0 });
    expect((await remove(rig, `runs/${runId}`)).status).toBe(404);
    expect((await remove(rig, "runs/wfr_nobody")).status).toBe(404);
  });

  it("before its first delivery is never delivered", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper", { delay: 10 });
    expect((await remove(rig, `runs/${runId}?cancel=true`)).status).toBe(200);
    await rig.advance(hourMs);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(0);
  });

  it("in the middle of a delivery takes no further step, and the delivery ends in peace", async () => {
    const rig = await startWorkflow({
      cut: createWorkflow(async (context) => {
        await context.run("cancel me", () => rig.client.cancel(context.workflowRunId));
        await context.run("never", () => {});
      }),
    });
    const runId = await rig.run("cut");
    expect(rig.deliveriesTo("cut")).toHaveLength(1);
    expect(await stateOf(rig, runId)).toBe("RUN_CANCELED");
  });

  it("by itself stops there", async () => {
    const rig = await startWorkflow({
      quits: createWorkflow(async (context) => {
        await context.run("before", () => {});
        await context.cancel();
        await context.run("never", () => {});
      }),
    });
    const runId = await rig.run("quits");
    expect(rig.deliveriesTo("quits")).toHaveLength(2);
    expect(await stateOf(rig, runId)).toBe("RUN_CANCELED");
  });

  it("while its delivery is retried is not tried again", async () => {
    const rig = await startWorkflow({ sleeper });
    rig.qstash.faults.add({ server: "delivery", action: "status", status: 500 });
    const runId = await rig.run("sleeper");
    await rig.client.cancel(runId);
    await rig.advance(hourMs);
    expect(rig.qstash.ledger.read().messages).toBe(1);
    expect((await rig.log(runId)).steps.at(-1)).toMatchObject({
      type: "next",
      steps: [{ state: "STEP_CANCELED", errors: [{ status: 500 }] }],
    });
  });

  it("takes nothing more: what is appended to it is refused with 400, in words", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    await rig.client.cancel(runId);
    const append = (name: string) =>
      rig.qstash.call("POST", `/v2/publish/${rig.urlOf("sleeper")}`, {
        headers: { "Upstash-Workflow-RunId": name, "Upstash-Workflow-Init": "false" },
        body: '{"stepId":2,"stepName":"late","stepType":"Run","concurrent":1}',
      });
    const refusal = await append(runId);
    expect({ status: refusal.status, body: await refusal.json() }).toEqual({
      status: 400,
      body: { error: "failed to publish to url: can not append to a cancelled workflow" },
    });
    expect((await append("wfr_nobody")).status).toBe(400);
  });
});

describe("cancelling in bulk", () => {
  it("takes those of an exact URL, or of a prefix", async () => {
    const rig = await startWorkflow({ sleeper, "sleeper-two": sleeper });
    await rig.run("sleeper");
    const two = await rig.run("sleeper-two");
    expect(await rig.client.cancel({ filter: { workflowUrl: rig.urlOf("sleeper") } })).toEqual({ cancelled: 1 });
    expect(await stateOf(rig, two)).toBe("RUN_STARTED");
    await rig.run("sleeper");
    expect(await rig.client.cancel({ filter: { workflowUrlStartingWith: rig.urlOf("sleeper") } })).toEqual({
      cancelled: 2,
    });
    expect(await stateOf(rig, two)).toBe("RUN_CANCELED");
  });

  it("takes a comma in a URL for a part of it, unless another URL follows", async () => {
    const rig = await startWorkflow({ sleeper });
    const url = rig.urlOf("sleeper");
    await rig.client.trigger([{ url: `${url}?x=1` }, { url: `${url}?y` }]);
    expect(await rig.client.cancel({ filter: { workflowUrlStartingWith: `${url}?x=1,2` } })).toEqual({ cancelled: 0 });
    const urls = `http://elsewhere.example/a,b,${url}?y`;
    expect(await rig.client.cancel({ filter: { workflowUrlStartingWith: urls } })).toEqual({ cancelled: 1 });
  });

  it("takes those with a label, a flow control key, a time, a caller, a host, a path", async () => {
    const rig = await startWorkflow({ sleeper });
    const flowControl = { key: "k", parallelism: 9 };
    const runs = [
      await rig.run("sleeper", { label: ["a", "b"] }),
      await rig.run("sleeper", { label: "c", flowControl }),
      await rig.run("sleeper"),
    ];
    expect(await rig.client.cancel({ filter: { label: ["b", "z"] } })).toEqual({ cancelled: 1 });
    expect(await rig.client.cancel({ filter: { flowControlKey: "k" } })).toEqual({ cancelled: 1 });
    expect(await statesOf(rig, runs)).toEqual(["RUN_CANCELED", "RUN_CANCELED", "RUN_STARTED"]);
    const nowMs = rig.qstash.clock.now();
    expect(await rig.client.cancel({ filter: { fromDate: nowMs + 1 } })).toEqual({ cancelled: 0 });
    expect(await rig.client.cancel({ filter: { toDate: nowMs - 1 } })).toEqual({ cancelled: 0 });
    expect(await rig.client.cancel({ filter: { callerIp: "10.0.0.1" } })).toEqual({ cancelled: 0 });
    expect(await rig.client.cancel({ filter: { host: "example.com" } })).toEqual({ cancelled: 0 });
    expect(await rig.client.cancel({ filter: { path: "/workflows/other" } })).toEqual({ cancelled: 0 });
    const { hostname, pathname } = new URL(rig.urlOf("sleeper"));
    expect(
      await rig.client.cancel({
        filter: { host: hostname, path: pathname, callerIp: "127.0.0.1", fromDate: nowMs, toDate: new Date(nowMs) },
      }),
    ).toEqual({ cancelled: 1 });
  });

  it("takes all when it is asked to, as many as it says", async () => {
    const rig = await startWorkflow({ sleeper });
    for (let count = 0; count < 3; count += 1) await rig.run("sleeper");
    expect(await rig.client.cancel({ all: true, count: 2 })).toEqual({ cancelled: 2 });
    expect(await rig.client.cancel({ all: true })).toEqual({ cancelled: 1 });
    expect(await rig.client.cancel({ all: true })).toEqual({ cancelled: 0 });
  });

  it.each([
    ["an unknown filter", "runs?state=RUN_STARTED", undefined],
    ["a filter of dead letters", "runs?dlqIds=1", undefined],
    ["a cursor", "runs?cursor=1", undefined],
    ["an exact match that is no boolean", "runs?workflowUrl=http%3A%2F%2Fx&workflowUrlExactMatch=1", undefined],
    ["a date that is none", "runs?fromDate=yesterday", undefined],
    ["filters in the body", "runs", '{"workflowRunIds":["wfr_x"]}'],
    ["an unknown way to end one", "runs/wfr_one?cancel=perhaps", undefined],
    ["an unknown parameter for one", "runs/wfr_one?force=true", undefined],
  ])("refuses %s and cancels nothing", async (_, path, body) => {
    const rig = await startWorkflow({ sleeper });
    await rig.run("sleeper", { workflowRunId: "one" });
    expect((await remove(rig, path, body)).status).toBe(400);
    expect(await stateOf(rig, "wfr_one")).toBe("RUN_STARTED");
  });
});

describe("a run that finishes", () => {
  it("takes back what was still to be delivered", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    const finish = await rig.qstash.call("DELETE", `/v2/workflows/runs/${runId}?cancel=false`, { body: '"early"' });
    expect(finish.status).toBe(200);
    await rig.advance(hourMs);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(2);
    await expectResult(rig, runId, "early");
  });

  it("is not found any more by its endpoint", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    const steps = () => rig.qstash.call("GET", `/v2/workflows/runs/${runId}`);
    expect(((await (await steps()).json()) as object[]).length).toBe(3);
    await rig.advance(hourMs);
    expect((await steps()).status).toBe(404);
  });

  it("may be finished again, which changes nothing; an unknown one may not", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    await rig.advance(hourMs);
    const finish = (name: string) =>
      rig.qstash.call("DELETE", `/v2/workflows/runs/${name}?cancel=false`, { body: '"again"' });
    expect((await finish(runId)).status).toBe(200);
    await expectResult(rig, runId, "done");
    expect((await finish("wfr_nobody")).status).toBe(404);
  });
});

describe("a message of a run", () => {
  it("is shown with its run, and not cancelled without it", async () => {
    const rig = await startWorkflow({ sleeper });
    const runId = await rig.run("sleeper");
    const { steps } = await rig.log(runId);
    const { messageId } = at(steps, 2).steps[0] as { messageId: string };
    expect(await rig.qstash.client.messages.get(messageId)).toMatchObject({
      workflowRunId: runId,
      workflowUrl: rig.urlOf("sleeper"),
    });
    expect((await rig.qstash.call("DELETE", `/v2/messages/${messageId}`)).status).toBe(400);
    const other = await startDestination();
    await rig.qstash.client.publish({ url: other.url, delay: 60 });
    expect(await (await rig.qstash.call("DELETE", "/v2/messages")).json()).toEqual({ cancelled: 1 });
    await rig.advance(hourMs);
    await expectResult(rig, runId, "done");
  });
});
