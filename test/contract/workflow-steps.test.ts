/** How often an endpoint is called, and with what. The counts are those of Upstash's own CI for the same shapes of workflow. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, type Delivery } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

interface RawStep {
  messageId: string;
  body: string;
  callType: string;
}

const rawStepsOf = ({ body }: Delivery) => JSON.parse(body) as RawStep[];
const decoded = ({ body }: RawStep) => Buffer.from(body, "base64").toString("utf8");

const count = (steps: number) =>
  createWorkflow(async (context) => {
    let sum = 0;
    for (let index = 0; index < steps; index += 1) sum = await context.run("add one", () => sum + 1);
    return sum;
  });

describe("steps one after the other", () => {
  it("take one delivery each, and one for the payload", async () => {
    const rig = await startWorkflow({
      sum: createWorkflow(async (context: WorkflowContext<string>) => {
        const one = await context.run("one", () => 1);
        const two = await context.run("two", async () => one + 1);
        return context.run("three", () => ({ sum: one + two, payload: context.requestPayload }));
      }),
    });
    const runId = await rig.run("sum", { body: "“quotes”" });
    expect(rig.deliveriesTo("sum")).toHaveLength(4);
    expect(rig.qstash.ledger.read().byUrl).toEqual({ [rig.urlOf("sum")]: 4 });
    await expectResult(rig, runId, { sum: 3, payload: "“quotes”" });
  });

  it("bring the whole history each time, up to the step that the delivery stands for", async () => {
    const rig = await startWorkflow({ count: count(3) });
    await rig.run("count", { body: { a: 1 } });
    const histories = rig.deliveriesTo("count").map(rawStepsOf);
    expect(histories.map(({ length }) => length)).toEqual([1, 2, 3, 4]);
    expect(decoded(at(at(histories, 3), 0))).toBe('{"a":1}');
    expect(
      at(histories, 3)
        .slice(1)
        .map(decoded)
        .map((step) => JSON.parse(step) as object),
    ).toMatchObject([
      { stepId: 1, stepName: "add one", stepType: "Run", out: "1", concurrent: 1 },
      { stepId: 2, out: "2" },
      { stepId: 3, out: "3" },
    ]);
    for (const [index, delivery] of rig.deliveriesTo("count").entries()) {
      const steps = rawStepsOf(delivery);
      expect(steps.every(({ callType }) => callType === "step")).toBe(true);
      expect(at(steps, index).messageId).toBe(delivery.headers["upstash-message-id"]);
    }
  });

  it("may be 200, in a loop", async () => {
    const rig = await startWorkflow({ count: count(200) });
    const runId = await rig.run("count");
    expect(rig.deliveriesTo("count")).toHaveLength(201);
    await expectResult(rig, runId, 200);
  });

  it("carry the user's headers, the run's id and its time in every delivery", async () => {
    const rig = await startWorkflow({ count: count(2) });
    const runId = await rig.run("count", {
      headers: { "x-user": "ada", "content-type": "text/plain", cookie: "c=1", host: "elsewhere.example" },
      body: "text",
      workflowRunId: "named",
    });
    expect(runId).toBe("wfr_named");
    const { workflowRunCreatedAt } = await rig.log(runId);
    const common = {
      "x-user": "ada",
      cookie: "c=1",
      "content-type": "text/plain",
      host: new URL(rig.urlOf("count")).host,
      "upstash-workflow-sdk-version": "1",
      "upstash-workflow-runid": "wfr_named",
      "upstash-workflow-url": rig.urlOf("count"),
      "upstash-workflow-createdat": String(workflowRunCreatedAt),
      "upstash-workflow-calltype": "step",
      "upstash-retried": "0",
    };
    expect(rig.deliveriesTo("count").map(({ headers }) => headers)).toMatchObject([
      { ...common, "upstash-workflow-init": "true" },
      { ...common, "upstash-workflow-init": "false" },
      { ...common, "upstash-workflow-init": "false" },
    ]);
  });

  it.each([
    ["nothing", undefined, undefined],
    ["an object", { deep: ["ä", 1] }, { deep: ["ä", 1] }],
    ["a number", 7, 7],
    ["a text", "plain", "plain"],
  ])("see %s as the payload that was sent", async (_, body, payload) => {
    const rig = await startWorkflow({
      echo: createWorkflow(async (context) => context.run("echo", () => ({ payload: context.requestPayload }))),
    });
    const runId = await rig.run("echo", body === undefined ? {} : { body });
    await expectResult(rig, runId, { payload });
  });

  it("that return nothing end the run without a response", async () => {
    const rig = await startWorkflow({
      quiet: createWorkflow(async (context) => {
        await context.run("nothing", () => {});
      }),
    });
    const log = await rig.log(await rig.run("quiet"));
    expect(log.workflowState).toBe("RUN_SUCCESS");
    expect(log).not.toHaveProperty("workflowRunResponse");
  });
});

describe("steps side by side", () => {
  const sideBySide = createWorkflow(async (context) => {
    const [left, right] = await Promise.all([context.run("left", () => "l"), context.run("right", () => "r")]);
    const both = await Promise.all([1, 2, 3].map((n) => context.run(`branch ${n}`, () => n)));
    return [left, right, ...both];
  });

  it("take one delivery for each plan and one for each result", async () => {
    const rig = await startWorkflow({ sideBySide });
    const runId = await rig.run("sideBySide");
    expect(rig.deliveriesTo("sideBySide")).toHaveLength(1 + 2 * 2 + 2 * 3);
    await expectResult(rig, runId, ["l", "r", 1, 2, 3]);
  });

  it("see nothing that was accepted after the step of their delivery", async () => {
    const rig = await startWorkflow({ sideBySide });
    await rig.run("sideBySide");
    const lengths = rig.deliveriesTo("sideBySide").map((delivery) => rawStepsOf(delivery).length);
    expect(lengths.toSorted((left, right) => left - right)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("may sleep beside steps that run", async () => {
    const rig = await startWorkflow({
      charge: createWorkflow(async (context) => {
        for (let attempt = 1; attempt <= 3; attempt += 1) {
          const isDone = await context.run("attempt", () => attempt === 3);
          if (!isDone) await context.sleep("pause", 2);
        }
        return Promise.all([
          context.run("update", () => 10),
          context.run("receipt", () => "sent"),
          context.sleep("cool down", 5),
        ]);
      }),
    });
    const runId = await rig.run("charge");
    await rig.advance(2_000);
    await rig.advance(2_000);
    expect(rig.deliveriesTo("charge")).toHaveLength(10);
    expect((await rig.log(runId)).workflowState).toBe("RUN_STARTED");
    await rig.advance(5_000);
    expect(rig.deliveriesTo("charge")).toHaveLength(12);
    await expectResult(rig, runId, [10, "sent", null]);
  });

  it("are all refused when one is, so that their run does not wait for ever", async () => {
    const rig = await startWorkflow({
      late: createWorkflow(async (context) => {
        await Promise.all([context.run("now", () => 1), context.sleep("too long", "91d")]);
      }),
    });
    const runId = await rig.run("late");
    expect(rig.deliveriesTo("late").filter(({ headers }) => !headers["upstash-workflow-is-failure"])).toHaveLength(1);
    expect((await rig.log(runId)).workflowState).toBe("RUN_FAILED");
  });
});

describe("a sleep", () => {
  const sleeper = createWorkflow(async (context: WorkflowContext<{ untilSeconds: number }>) => {
    await context.run("before", () => 0);
    await context.sleepUntil("until", context.requestPayload.untilSeconds);
    await context.run("between", () => 1);
    await context.sleep("for a minute", "1m");
    return context.run("after", () => 2);
  });

  it("delivers its step when its time has come, and once", async () => {
    const rig = await startWorkflow({ sleeper });
    const untilSeconds = Math.floor(rig.qstash.clock.now() / 1_000) + 3_600;
    const runId = await rig.run("sleeper", { body: { untilSeconds } });
    expect(rig.deliveriesTo("sleeper")).toHaveLength(2);
    await rig.advance(untilSeconds * 1_000 - rig.qstash.clock.now() - 1);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(2);
    await rig.advance(1);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(4);
    await rig.advance(59_999);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(4);
    await rig.advance(1);
    expect(rig.deliveriesTo("sleeper")).toHaveLength(6);
    await expectResult(rig, runId, 2);
  });
});

describe("a delivery that comes twice", () => {
  it("submits its step twice, and the rest of the run happens once", async () => {
    const rig = await startWorkflow({
      nap: createWorkflow(async (context) => {
        const one = await context.run("one", () => 1);
        await context.sleep("nap", 1);
        return context.run("two", () => one + 1);
      }),
    });
    rig.qstash.faults.add({ server: "delivery", match: '"stepName":"one"', action: "duplicate", count: 1 });
    const runId = await rig.run("nap");
    expect(rig.deliveriesTo("nap")).toHaveLength(3);
    await rig.advance(1_000);
    // Of the two sleeps the second is seen to be one, and stops there.
    expect(rig.deliveriesTo("nap")).toHaveLength(3 + 2 + 1);
    await expectResult(rig, runId, 2);
    expect((await rig.log(runId)).steps).toHaveLength(4);
  });

  it("because its answer was lost goes on where the first was", async () => {
    const rig = await startWorkflow({ count: count(3) });
    rig.qstash.faults.add({ server: "delivery", match: '"stepId":1', action: "drop-after", count: 1 });
    const runId = await rig.run("count", { retryDelay: "1000" });
    await rig.advance(1_000);
    await expectResult(rig, runId, 3);
  });

  it("is not repeated when the run ended inside of it", async () => {
    const rig = await startWorkflow({ count: count(1) });
    rig.qstash.faults.add({ server: "delivery", match: '"stepId":1', action: "drop-after", count: 1 });
    const runId = await rig.run("count", { retryDelay: "1000" });
    await rig.advance(10_000);
    expect(rig.deliveriesTo("count")).toHaveLength(2);
    await expectResult(rig, runId, 1);
  });
});
