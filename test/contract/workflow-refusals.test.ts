/** What no SDK would send: refused in words, and no run is the worse for it. */
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const sleeper = createWorkflow(async (context) => {
  await context.sleep("sleep", "1h");
});

const step = { stepId: 2, stepName: "s", stepType: "Run", concurrent: 1, out: "1" };
const stepHeaders = { "Upstash-Workflow-RunId": "wfr_one", "Upstash-Workflow-Init": "false" };

async function startOne(): Promise<WorkflowRig> {
  const rig = await startWorkflow({ sleeper });
  await rig.run("sleeper", { workflowRunId: "one" });
  return rig;
}

async function publish(rig: WorkflowRig, headers: Record<string, string>, body = "{}") {
  const response = await rig.qstash.call("POST", `/v2/publish/${rig.urlOf("sleeper")}`, { headers, body });
  return { status: response.status, body: (await response.json()) as { error: string } };
}

async function expectUntouched(rig: WorkflowRig): Promise<void> {
  await rig.qstash.idle();
  expect(rig.deliveriesTo("sleeper")).toHaveLength(1);
  const { workflowState, steps } = await rig.log("wfr_one");
  expect({ workflowState, count: steps.length }).toEqual({ workflowState: "RUN_STARTED", count: 2 });
}

describe("a step", () => {
  it.each([
    ["that is no JSON", "{"],
    ["that is empty", ""],
    ["that is a list", "[]"],
    ["without an id", { ...step, stepId: undefined }],
    ["with an id that is no number", { ...step, stepId: "2" }],
    ["with a negative id", { ...step, stepId: -1 }],
    ["with the id of the payload", { ...step, stepId: 0 }],
    ["without a name", { ...step, stepName: "" }],
    ["of an unknown type", { ...step, stepType: "Jump" }],
    ["beside no others", { ...step, concurrent: 0 }],
    ["that plans what is no step", { ...step, stepId: 0, targetStep: 1.5 }],
    ["that is a plan and a result", { ...step, targetStep: 3 }],
  ])("%s is refused with 400", async (_, body) => {
    const rig = await startOne();
    const answer = await publish(rig, stepHeaders, typeof body === "string" ? body : JSON.stringify(body));
    expect(answer).toEqual({ status: 400, body: { error: expect.any(String) as string } });
    await expectUntouched(rig);
  });

  it.each([
    ["an empty run id", { "Upstash-Workflow-RunId": "" }],
    ["a run id with a slash", { "Upstash-Workflow-RunId": "wfr_a/b" }],
    ["a run id that is too long", { "Upstash-Workflow-RunId": "x".repeat(257) }],
    ["an unknown run", { "Upstash-Workflow-RunId": "wfr_nobody" }],
    ["no word on whether it is the first", { "Upstash-Workflow-Init": "" }],
    ["another word on whether it is the first", { "Upstash-Workflow-Init": "maybe" }],
    ["a call type that only QStash may use", { "Upstash-Workflow-CallType": "fromCallback" }],
    ["a call type of failures", { "Upstash-Workflow-CallType": "failureCall" }],
    ["options that cannot be", { "Upstash-Delay": "soon" }],
    ["redacted fields that cannot be", { "Upstash-Redact-Fields": "everything" }],
  ])("with %s is refused with 400", async (_, headers) => {
    const rig = await startOne();
    expect((await publish(rig, { ...stepHeaders, ...headers }, JSON.stringify(step))).status).toBe(400);
    await expectUntouched(rig);
  });

  it("of a workflow whose URL is none is refused with 400", async () => {
    const rig = await startOne();
    const headers = {
      "Upstash-Workflow-RunId": "two",
      "Upstash-Workflow-Init": "true",
      "Upstash-Workflow-Url": "ftp://x",
    };
    expect((await publish(rig, headers)).status).toBe(400);
    expect((await rig.client.logs()).runs).toHaveLength(1);
  });

  it("with a run id that is just short enough is taken as the first of a run", async () => {
    const rig = await startOne();
    const headers = { "Upstash-Workflow-RunId": "x".repeat(256), "Upstash-Workflow-Init": "true" };
    expect((await publish(rig, headers)).status).toBe(201);
  });

  it("cannot be enqueued, nor sent to a URL group", async () => {
    const rig = await startOne();
    const enqueue = await rig.qstash.call("POST", `/v2/enqueue/q/${rig.urlOf("sleeper")}`, {
      headers: stepHeaders,
      body: JSON.stringify(step),
    });
    expect(enqueue.status).toBe(400);
    await rig.qstash.client.urlGroups.addEndpoints({ name: "g", endpoints: [{ url: rig.urlOf("sleeper") }] });
    const toGroup = await rig.qstash.call("POST", "/v2/publish/g", {
      headers: stepHeaders,
      body: JSON.stringify(step),
    });
    expect(toGroup.status).toBe(404);
    await expectUntouched(rig);
  });

  it("beyond the limit of a run is refused with 412", async () => {
    const rig = await startOne();
    const batch = (count: number, from: number) =>
      rig.qstash.call("POST", "/v2/batch", {
        body: JSON.stringify(
          Array.from({ length: count }, (_, index) => ({
            destination: rig.urlOf("sleeper"),
            headers: { ...stepHeaders, "upstash-delay": "1d" },
            body: JSON.stringify({ ...step, stepId: from + index }),
          })),
        ),
      });
    // The payload and the sleep are there already.
    expect((await batch(9_998, 2)).status).toBe(201);
    expect((await batch(1, 10_000)).status).toBe(412);
  });
});

describe("a batch", () => {
  it("with one step that cannot be takes none of them", async () => {
    const rig = await startOne();
    const item = (headers: Record<string, string>, stepId: number) => ({
      destination: rig.urlOf("sleeper"),
      headers: { ...stepHeaders, ...headers },
      body: JSON.stringify({ ...step, stepId }),
    });
    const body = JSON.stringify([item({}, 2), item({ "Upstash-Retries": "1000000" }, 3)]);
    expect((await rig.qstash.call("POST", "/v2/batch", { body })).status).toBe(412);
    await expectUntouched(rig);
  });
});

describe("a call", () => {
  const callHeaders = {
    ...stepHeaders,
    "Upstash-Workflow-CallType": "toCallback",
    "Upstash-Callback": "http://127.0.0.1:1/",
    "Upstash-Callback-Forward-Upstash-Workflow-StepId": "2",
    "Upstash-Callback-Forward-Upstash-Workflow-StepName": "ask",
    "Upstash-Callback-Forward-Upstash-Workflow-StepType": "Call",
    "Upstash-Callback-Forward-Upstash-Workflow-Concurrent": "1",
  };

  it.each(["StepId", "StepName", "StepType", "Concurrent"])("without its %s is refused with 400", async (name) => {
    const rig = await startOne();
    const { [`Upstash-Callback-Forward-Upstash-Workflow-${name}`]: _, ...headers } = callHeaders as Record<
      string,
      string
    >;
    expect((await publish(rig, headers)).status).toBe(400);
    await expectUntouched(rig);
  });

  it("without a callback is refused with 400", async () => {
    const rig = await startOne();
    const { "Upstash-Callback": _, ...headers } = callHeaders;
    expect((await publish(rig, headers)).status).toBe(400);
    await expectUntouched(rig);
  });
});

describe("an invocation", () => {
  const invoke = { body: "p", headers: {}, workflowRunId: "wfr_one", step: { ...step, stepType: "Invoke" } };
  const headers = {
    "Upstash-Workflow-RunId": "wfr_child",
    "Upstash-Workflow-Init": "true",
    "Upstash-Workflow-Invoke": "true",
  };

  it.each([
    ["of nobody", { ...invoke, workflowRunId: undefined }],
    ["of an unknown run", { ...invoke, workflowRunId: "wfr_nobody" }],
    ["without a step", { ...invoke, step: undefined }],
    ["with a payload that is no text", { ...invoke, body: {} }],
    ["with headers that are no lists", { ...invoke, headers: { a: 1 } }],
    ["with options that cannot be", { ...invoke, headers: { "Upstash-Retries": ["many"] } }],
    ["to a workflow URL that is none", { ...invoke, workflowUrl: "ftp://x" }],
  ])("%s is refused with 400, and no child is started", async (_, body) => {
    const rig = await startOne();
    expect((await publish(rig, headers, JSON.stringify(body))).status).toBe(400);
    expect((await rig.client.logs({ workflowRunId: "wfr_child" })).runs).toEqual([]);
    await expectUntouched(rig);
  });
});

describe("a wait", () => {
  const wait = { timeout: "1h", step: { ...step, stepType: "Wait" } };

  async function waitFor(rig: WorkflowRig, body: object | string, eventId = "go", runId = "wfr_one") {
    const response = await rig.qstash.call("POST", `/v2/wait/${eventId}`, {
      headers: { ...stepHeaders, "Upstash-Workflow-RunId": runId },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return response.status;
  }

  it.each([
    ["that is no JSON", "{", 400],
    ["without a step", { timeout: "1h" }, 400],
    ["with a timeout that is none", { ...wait, timeout: "soon" }, 400],
    ["with a timeout that is a number", { ...wait, timeout: 60 }, 400],
    ["to a URL that is none", { ...wait, url: "nowhere/at all" }, 400],
    ["of more than a year", { ...wait, timeout: "366d" }, 412],
  ])("%s is refused", async (_, body, status) => {
    const rig = await startOne();
    expect(await waitFor(rig, body)).toBe(status);
    expect(await rig.client.getWaiters({ eventId: "go" })).toEqual([]);
    await expectUntouched(rig);
  });

  it("of a year is taken, and of an unknown run refused", async () => {
    const rig = await startOne();
    expect(await waitFor(rig, { ...wait, timeout: "365d" })).toBe(201);
    expect(await waitFor(rig, wait, "go", "wfr_nobody")).toBe(400);
  });

  it("for an event id that is too long, or not encoded as URLs are, is refused", async () => {
    const rig = await startOne();
    expect(await waitFor(rig, wait, "x".repeat(1_025))).toBe(400);
    expect(await waitFor(rig, wait, "%E0%A4%A")).toBe(400);
    expect(await waitFor(rig, wait, "x".repeat(1_024))).toBe(201);
  });
});

describe("this server itself", () => {
  it("is no workflow, nobody to be called, and nobody to be told of failures", async () => {
    const rig = await startWorkflow({ sleeper }, { front: { listensAt: { host: "127.0.0.1", port: 9 } } });
    await rig.run("sleeper", { workflowRunId: "one" });
    const own = "http://localhost:9/v2/messages";
    const trigger = (url: string, headers = {}) =>
      rig.qstash.call("POST", "/v2/batch/trigger", { body: JSON.stringify([{ destination: url, headers }]) });
    expect((await trigger(own)).status).toBe(400);
    expect((await trigger(rig.urlOf("sleeper"), { "Upstash-Failure-Callback": own })).status).toBe(400);
    const call = { ...stepHeaders, "Upstash-Workflow-CallType": "toCallback" };
    expect((await rig.qstash.call("POST", `/v2/publish/${own}`, { headers: call })).status).toBe(400);
    expect((await rig.client.logs()).runs).toHaveLength(1);
  });
});

describe("the API of workflows", () => {
  it.each([
    ["POST", "workflows/runs/wfr_one"],
    ["PATCH", "workflows/runs"],
    ["GET", "workflows/runs"],
    ["GET", "wait/go"],
    ["GET", "notify/go"],
    ["POST", "waiters/go"],
    ["POST", "workflows/events?groupBy=workflowRunId"],
    ["GET", "trigger/http://x"],
    ["GET", "workflows/dlq/resume"],
    ["PUT", "workflows/dlq"],
    ["POST", "workflows/dlq/callback"],
    ["POST", "dlq?source=workflow"],
    ["GET", "workflows"],
  ])("does not know %s /v2/%s", async (method, path) => {
    const rig = await startOne();
    expect((await rig.qstash.call(method, `/v2/${path}`)).status).toBe(404);
    await expectUntouched(rig);
  });

  it.each(["not a url", "ftp://x", "name-of-a-group"])("triggers nothing at %s", async (destination) => {
    const rig = await startOne();
    const response = await rig.qstash.call("POST", "/v2/batch/trigger", { body: JSON.stringify([{ destination }]) });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect((await rig.client.logs()).runs).toHaveLength(1);
  });
});
