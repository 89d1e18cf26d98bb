/** All the ways in which a run begins. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const workflows = {
  echo: createWorkflow(async (context: WorkflowContext) => {
    const seen = await context.run("look", () => ({
      payload: context.requestPayload,
      user: context.headers.get("x-user"),
      label: context.label,
    }));
    await context.run("once more", () => {});
    return seen;
  }),
  fails: createWorkflow(
    async (context: WorkflowContext) => {
      await context.run("fail", () => {
        throw new Error("broken");
      });
    },
    { failureFunction: ({ context, failResponse }) => `${context.headers.get("x-user")}: ${failResponse}` },
  ),
};

const json = async (response: Response) => (await response.json()) as Record<string, unknown>;

async function post(rig: WorkflowRig, path: string, o: { headers?: Record<string, string>; body?: string } = {}) {
  const response = await rig.qstash.call("POST", path, o);
  await rig.qstash.idle();
  return { status: response.status, body: await json(response) };
}

describe("client.trigger", () => {
  it("starts several runs by one request, each delivered by itself", async () => {
    const rig = await startWorkflow(workflows);
    const runs = await rig.client.trigger([1, 2, 3].map((body) => ({ url: rig.urlOf("echo"), body })));
    await rig.qstash.idle();
    expect(rig.deliveriesTo("echo")).toHaveLength(9);
    for (const [index, { workflowRunId }] of runs.entries())
      await expectResult(rig, workflowRunId, { payload: index + 1, user: null });
  });

  it("with the id of a run that is running starts nothing", async () => {
    const rig = await startWorkflow(workflows);
    await rig.run("echo", { workflowRunId: "same", delay: "1h", body: 1 });
    const first = await rig.log("wfr_same");
    await rig.run("echo", { workflowRunId: "same", body: 2 });
    expect(rig.deliveriesTo("echo")).toHaveLength(0);
    await rig.advance(3_600_000);
    expect(rig.deliveriesTo("echo")).toHaveLength(3);
    await expectResult(rig, "wfr_same", { payload: 1, user: null });
    expect((await rig.log("wfr_same")).workflowRunCreatedAt).toBe(first.workflowRunCreatedAt);
  });

  it("with the id of a run that is over starts another, told apart by its time", async () => {
    const rig = await startWorkflow(workflows);
    await rig.run("echo", { workflowRunId: "again", body: 1 });
    await rig.run("echo", { workflowRunId: "again", body: 2 });
    expect(rig.deliveriesTo("echo")).toHaveLength(6);
    const { runs } = await rig.client.logs({ workflowRunId: "wfr_again" });
    expect(runs.map(({ workflowRunResponse }) => JSON.parse(workflowRunResponse ?? "null") as object)).toMatchObject([
      { payload: 2 },
      { payload: 1 },
    ]);
    const { runs: one } = await rig.client.logs({ workflowCreatedAt: at(runs, 1).workflowRunCreatedAt });
    expect(one).toEqual([at(runs, 1)]);
  });

  it.each([
    ["a delay", () => ({ delay: 120 })],
    ["a time", (nowMs: number) => ({ notBefore: Math.ceil(nowMs / 1_000) + 119 })],
  ])("with %s delivers nothing before", async (_, options) => {
    const rig = await startWorkflow(workflows);
    await rig.run("echo", options(rig.qstash.clock.now()));
    await rig.advance(118_000);
    expect(rig.deliveriesTo("echo")).toHaveLength(0);
    await rig.advance(2_000);
    expect(rig.deliveriesTo("echo")).toHaveLength(3);
  });

  it("to something that is no workflow fails without a retry, and shows what was answered", async () => {
    const rig = await startWorkflow(workflows);
    const other = await startDestination();
    other.answer(() => ({ status: 200, body: "hello" }));
    const { workflowRunId } = await rig.client.trigger({ url: other.url });
    await rig.qstash.idle();
    const { workflowState, steps } = await rig.log(workflowRunId);
    expect(workflowState).toBe("RUN_FAILED");
    expect(other.deliveries.filter(({ headers }) => headers["upstash-workflow-calltype"] === "step")).toHaveLength(1);
    expect(steps).toMatchObject([
      { type: "sequential", steps: [{ stepName: "init", state: "STEP_SUCCESS" }] },
      {
        type: "next",
        steps: [
          {
            state: "STEP_FAILED",
            errors: [
              { body: "hello", status: 200, error: expect.stringContaining("detected a non-workflow destination") },
            ],
          },
        ],
      },
    ]);
  });

  it("of an endpoint that does not know its caller is triggered again by it, for one delivery more", async () => {
    const rig = await startWorkflow(workflows);
    const runId = await rig.run("echo", {
      headers: { "Upstash-Workflow-Unknown-Sdk": "true", "x-user": "ada" },
      body: "p",
    });
    expect(rig.deliveriesTo("echo")).toHaveLength(4);
    await expectResult(rig, runId, { payload: "p", user: "ada" });
  });
});

describe("an endpoint that triggered itself again", () => {
  it("is not called again when its answer gets lost", async () => {
    const rig = await startWorkflow({
      naps: createWorkflow(async (context) => {
        await context.sleep("nap", "1h");
      }),
    });
    rig.qstash.faults.add({ server: "delivery", action: "drop-after", count: 1 });
    const headers = { "Upstash-Workflow-Unknown-Sdk": "true" };
    await post(rig, `/v2/trigger/${rig.urlOf("naps")}`, { headers });
    await rig.advance(3_599_999);
    expect(rig.deliveriesTo("naps")).toHaveLength(1 + 1);
    await rig.advance(1);
    expect(rig.deliveriesTo("naps")).toHaveLength(1 + 2);
  });
});

describe("a direct request to the endpoint", () => {
  it("is turned into a run by the SDK", async () => {
    const rig = await startWorkflow(workflows, { keys: { current: "", next: "" } });
    const response = await fetch(rig.urlOf("echo"), { method: "POST", headers: { "x-user": "ada" }, body: '{"a":1}' });
    const { workflowRunId } = await json(response);
    await rig.qstash.idle();
    expect(rig.deliveriesTo("echo")).toHaveLength(1 + 3);
    await expectResult(rig, String(workflowRunId), { payload: { a: 1 }, user: "ada" });
  });

  it("without a signature is refused while the endpoint has keys", async () => {
    const rig = await startWorkflow(workflows);
    expect((await fetch(rig.urlOf("echo"), { method: "POST", body: "{}" })).status).toBe(500);
    await rig.qstash.idle();
    expect(rig.deliveriesTo("echo")).toHaveLength(1);
  });

  it("by a plain QStash message becomes a run", async () => {
    const rig = await startWorkflow(workflows);
    const { status } = await post(rig, `/v2/publish/${rig.urlOf("echo")}`, { body: '"plain"' });
    expect(status).toBe(201);
    expect(rig.deliveriesTo("echo")).toHaveLength(1 + 3);
  });
});

describe("POST /v2/trigger", () => {
  it("starts a run with the payload, the forwarded headers and the label", async () => {
    const rig = await startWorkflow(workflows);
    const { status, body } = await post(rig, `/v2/trigger/${rig.urlOf("echo")}`, {
      headers: { "Upstash-Forward-X-User": "ada", "Upstash-Label": "nightly" },
      body: '{"a":1}',
    });
    expect({ status, body }).toEqual({
      status: 200,
      body: { workflowRunId: expect.stringMatching(/^wfr_\w+$/), workflowCreatedAt: rig.qstash.clock.now() },
    });
    expect(rig.deliveriesTo("echo")).toHaveLength(3);
    await expectResult(rig, String(body["workflowRunId"]), { payload: { a: 1 }, user: "ada", label: "nightly" });
  });

  it("takes a run id, retries and a delay, and repeats nothing for a run that is running", async () => {
    const rig = await startWorkflow(workflows);
    const headers = { "Upstash-Workflow-RunId": "my-run", "Upstash-Delay": "5s" };
    const first = await post(rig, `/v2/trigger/${rig.urlOf("echo")}`, { headers });
    const second = await post(rig, `/v2/trigger/${rig.urlOf("echo")}`, { headers });
    expect(first.body["workflowRunId"]).toBe("my-run");
    expect(second.body).toEqual({ ...first.body, deduplicated: true });
    await rig.advance(5_000);
    expect(rig.deliveriesTo("echo")).toHaveLength(3);
  });

  it("tells the workflow itself of its failure, with the headers of the user", async () => {
    const rig = await startWorkflow(workflows);
    const { body } = await post(rig, `/v2/trigger/${rig.urlOf("fails")}`, {
      headers: { "Upstash-Forward-X-User": "ada", "Upstash-Retries": "0" },
    });
    expect(rig.deliveriesTo("fails")).toHaveLength(1 + 1);
    expect(await rig.log(String(body["workflowRunId"]))).toMatchObject({
      workflowState: "RUN_FAILED",
      failureFunction: { state: "CALLBACK_SUCCESS", responseBody: '{"result":"ada: broken"}' },
    });
  });

  it("tells a URL that is named instead, with what is forwarded to it", async () => {
    const rig = await startWorkflow(workflows);
    const watcher = await startDestination();
    await post(rig, `/v2/trigger/${rig.urlOf("fails")}`, {
      headers: {
        "Upstash-Retries": "0",
        "Upstash-Forward-X-User": "ada",
        "Upstash-Failure-Callback": watcher.url,
        "Upstash-Failure-Callback-Forward-X-Other": "yes",
      },
    });
    expect(watcher.deliveries.map(({ headers }) => headers)).toMatchObject([{ "x-user": "ada", "x-other": "yes" }]);
    expect(rig.deliveriesTo("fails")).toHaveLength(1);
  });

  it("tells of a failure as often as the run is tried", async () => {
    const rig = await startWorkflow(workflows);
    const watcher = await startDestination();
    watcher.answer(() => ({ status: 500 }));
    await post(rig, `/v2/trigger/${rig.urlOf("fails")}`, {
      headers: { "Upstash-Retries": "1", "Upstash-Retry-Delay": "1000", "Upstash-Failure-Callback": watcher.url },
    });
    await rig.advance(10_000);
    expect(rig.deliveriesTo("fails")).toHaveLength(2);
    expect(watcher.deliveries).toHaveLength(2);
  });

  it("to an endpoint that is no SDK of version 1 fails without a retry", async () => {
    const rig = await startWorkflow(workflows);
    const other = await startDestination();
    other.answer(() => ({ status: 200, headers: { "Upstash-Workflow-Sdk-Version": "1" } }));
    const { body } = await post(rig, `/v2/trigger/${other.url}`);
    const { workflowState, steps } = await rig.log(String(body["workflowRunId"]));
    expect(workflowState).toBe("RUN_FAILED");
    expect(steps[1]).toMatchObject({
      steps: [{ errors: [{ error: expect.stringContaining("only usable with sdk versions after v1.0.0") }] }],
    });
  });

  it("for an SDK that is not known keeps what the caller configured, after the endpoint has triggered itself", async () => {
    const rig = await startWorkflow(workflows);
    const headers = { "Upstash-Workflow-Unknown-Sdk": "true", "Upstash-Forward-X-User": "ada", "Upstash-Retries": "0" };
    const echo = await post(rig, `/v2/trigger/${rig.urlOf("echo")}`, { headers, body: "“p”" });
    expect(rig.deliveriesTo("echo")).toHaveLength(1 + 3);
    await expectResult(rig, String(echo.body["workflowRunId"]), { payload: "“p”", user: "ada" });
    expect(echo.body["workflowCreatedAt"]).toBe(
      (await rig.log(String(echo.body["workflowRunId"]))).workflowRunCreatedAt,
    );

    const fails = await post(rig, `/v2/trigger/${rig.urlOf("fails")}`, { headers });
    expect(rig.deliveriesTo("fails")).toHaveLength(1 + 1 + 1);
    expect((await rig.log(String(fails.body["workflowRunId"]))).workflowState).toBe("RUN_FAILED");
  });
});

describe("POST /v2/batch/trigger", () => {
  it("starts a run for each item, and an item that cannot be taken leaves the others alone", async () => {
    const rig = await startWorkflow(workflows);
    const response = await rig.qstash.call("POST", "/v2/batch/trigger", {
      body: JSON.stringify([
        { destination: rig.urlOf("echo"), body: "1", headers: { "Upstash-Workflow-RunId": "one" } },
        { destination: "not a url" },
        { destination: rig.urlOf("echo"), body: "2", headers: { "upstash-forward-x-user": "ada" } },
      ]),
    });
    await rig.qstash.idle();
    const [first, second, third] = (await response.json()) as Record<string, unknown>[];
    expect(response.status).toBe(200);
    expect([first, second]).toMatchObject([{ workflowRunId: "one" }, { error: expect.any(String) }]);
    expect(rig.deliveriesTo("echo")).toHaveLength(6);
    await expectResult(rig, String(third?.["workflowRunId"]), { payload: 2, user: "ada" });
  });
});
