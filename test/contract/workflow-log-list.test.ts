/** Runs in the logs, found by what they are. */
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at } from "./qstash-rig.ts";
import { startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const sleeper = createWorkflow(async (context) => {
  await context.sleep("sleep", "1h");
});

const get = async (rig: WorkflowRig, path: string) => {
  const response = await rig.qstash.call("GET", `/v2/workflows/${path}`);
  return {
    status: response.status,
    body: (await response.json()) as { runs: { workflowRunId: string }[]; cursor?: string },
  };
};

describe("the list of runs", () => {
  async function startThree(): Promise<{ rig: WorkflowRig; runIds: string[] }> {
    const rig = await startWorkflow({ sleeper, "sleeper-two": sleeper });
    const flowControl = { key: "k", parallelism: 9 };
    const runIds = [
      await rig.run("sleeper", { label: "a" }),
      await rig.run("sleeper-two", { label: ["b", "c"], flowControl }),
      await rig.run("sleeper"),
    ];
    await rig.client.cancel(at(runIds, 0));
    return { rig, runIds };
  }

  it("is ordered by time, the newest first, ten to a page", async () => {
    const rig = await startWorkflow({ sleeper });
    const runIds: string[] = [];
    for (let count = 0; count < 11; count += 1) runIds.push(await rig.run("sleeper"));
    const first = await rig.client.logs();
    expect(first.runs.map(({ workflowRunId }) => workflowRunId)).toEqual(runIds.slice(1).toReversed());
    const second = await rig.client.logs({ cursor: first.cursor, count: 10 });
    expect(second.runs.map(({ workflowRunId }) => workflowRunId)).toEqual([runIds[0]]);
    expect(second.cursor).toBeUndefined();
  });

  it("passes all of its filters", async () => {
    const { rig, runIds } = await startThree();
    const nowMs = rig.qstash.clock.now();
    const found = async (filter: Parameters<typeof rig.client.logs>[0]) => {
      const { runs } = await rig.client.logs(filter);
      return runs.map(({ workflowRunId }) => runIds.indexOf(workflowRunId)).toSorted((left, right) => left - right);
    };
    expect(await found({ filter: { label: ["a", "c"] } })).toEqual([0, 1]);
    expect(await found({ filter: { flowControlKey: "k" } })).toEqual([1]);
    expect(await found({ filter: { workflowUrl: rig.urlOf("sleeper") } })).toEqual([0, 2]);
    expect(await found({ state: "RUN_CANCELED" })).toEqual([0]);
    expect(await found({ filter: { path: "/workflows/sleeper-two" } })).toEqual([1]);
    expect(await found({ filter: { host: "127.0.0.1" } })).toEqual([0, 1, 2]);
    expect(await found({ filter: { callerIp: "127.0.0.1", fromDate: nowMs, toDate: nowMs } })).toEqual([0, 1, 2]);
    expect(await found({ filter: { fromDate: nowMs + 1 } })).toEqual([]);
    const { messageId } = at((await rig.log(at(runIds, 2))).steps, 1).steps[0] as { messageId: string };
    expect(await found({ filter: { messageId } })).toEqual([2]);
    const sleeping = await get(rig, "logs?state=STEP_PROGRESS");
    expect(sleeping.body.runs).toHaveLength(2);
  });

  it("is the same under its documented path", async () => {
    const { rig } = await startThree();
    expect(await get(rig, "logs")).toEqual(await get(rig, "events?groupBy=workflowRunId"));
  });

  it.each([
    "events",
    "events?groupBy=state",
    "logs?groupBy=none",
    "logs?workflowRunIds=wfr_x",
    "logs?trimBody=10",
    "logs?count=ten",
    "logs?toDate=now",
  ])("refuses %s", async (path) => {
    const rig = await startWorkflow({ sleeper });
    expect((await get(rig, path)).status).toBe(400);
  });
});
