/** What a trigger configures holds for every message of its run: the SDK says it once. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

const three = createWorkflow(async (context) => {
  await context.run("one", () => {});
  await context.sleep("two", "1h");
  await context.waitForEvent("three", "go", { timeout: "1h" });
});

describe("the retries of a run", () => {
  it("hold for the deliveries of later steps too, also for those that nobody submitted", async () => {
    const rig = await startWorkflow({ three });
    const runId = await rig.run("three", { retries: 7, retryDelay: "1000" });
    await rig.advance(3_600_000);
    rig.qstash.faults.add({ server: "delivery", action: "status", status: 500 });
    await rig.client.notify({ eventId: "go" });
    await rig.qstash.idle();
    await rig.advance(6_999);
    expect((await rig.log(runId)).workflowState).toBe("RUN_STARTED");
    await rig.advance(1);
    const { workflowState, steps } = await rig.log(runId);
    expect(workflowState).toBe("RUN_FAILED");
    expect(steps.slice(0, 4).map((group) => group.steps[0]?.retries)).toEqual([7, 7, 7, 7]);
    expect((at(steps, 4).steps[0] as { errors: unknown[] }).errors).toHaveLength(8);
  });
});

describe("the flow control of a run", () => {
  it("lets so many deliveries run at once, over all steps of all of its runs", async () => {
    let active = 0;
    let most = 0;
    const busy = createWorkflow(async (context) => {
      await Promise.all(
        [1, 2, 3].map((n) =>
          context.run(`branch ${n}`, async () => {
            active += 1;
            most = Math.max(most, active);
            await Promise.resolve();
            active -= 1;
          }),
        ),
      );
    });
    const rig = await startWorkflow({ busy });
    const flowControl = { key: "narrow", parallelism: 1 };
    await rig.client.trigger([1, 2].map(() => ({ url: rig.urlOf("busy"), flowControl })));
    await rig.qstash.idle();
    expect(rig.deliveriesTo("busy")).toHaveLength(2 * (1 + 3 + 3));
    expect(most).toBe(1);
  });

  it("spreads deliveries over periods", async () => {
    const rig = await startWorkflow({ three });
    await rig.run("three", { flowControl: { key: "slow", rate: 1, period: "10s" } });
    expect(rig.deliveriesTo("three")).toHaveLength(1);
    expect((await rig.qstash.client.flowControl.get("slow")).waitListSize).toBe(1);
    await rig.advance(10_000);
    expect(rig.deliveriesTo("three")).toHaveLength(2);
  });

  it("holds what waits at it when the run is cancelled, and lets it go then", async () => {
    const rig = await startWorkflow({ three });
    const flowControl = { key: "slow", rate: 1, period: "10s" } as const;
    const runId = await rig.run("three", { flowControl });
    await rig.client.cancel(runId);
    expect((await rig.qstash.client.flowControl.get("slow")).waitListSize).toBe(0);
    await rig.advance(10_000);
    expect(rig.deliveriesTo("three")).toHaveLength(1);
  });

  it("is not that of a call, which has its own", async () => {
    const rig = await startWorkflow({
      caller: createWorkflow(async (context: WorkflowContext<string>) => {
        await context.call("ask", { url: context.requestPayload, flowControl: { key: "theirs", rate: 5, period: 60 } });
      }),
    });
    const other = await startDestination();
    await rig.run("caller", { body: other.url, flowControl: { key: "mine", parallelism: 5 } });
    const counts = await Promise.all(
      ["mine", "theirs"].map(async (key) => (await rig.qstash.client.flowControl.get(key)).rateCount),
    );
    expect(counts).toEqual([1 + 1 + 1, 1]);
  });
});

describe("the label of a run", () => {
  it("is that of all its messages, those to third parties included", async () => {
    const rig = await startWorkflow({
      caller: createWorkflow(async (context: WorkflowContext<string>) => {
        await context.call("ask", { url: context.requestPayload });
        return context.label;
      }),
    });
    const other = await startDestination();
    const runId = await rig.run("caller", { body: other.url, label: ["a", "b"] });
    await expectResult(rig, runId, "a");
    const { logs } = await rig.qstash.client.logs({ filter: { label: "b" } });
    expect(
      logs
        .filter(({ state }) => state === "DELIVERED")
        .map(({ url }) => url)
        .toSorted(),
    ).toEqual([other.url, ...Array.from({ length: 3 }, () => rig.urlOf("caller"))].toSorted());
  });
});

describe("what a run hides", () => {
  it("is hidden wherever it is shown, and delivered as it is", async () => {
    const rig = await startWorkflow({
      secret: createWorkflow(async (context: WorkflowContext<string>) => {
        const seen = await context.run("look", () => [context.requestPayload, context.headers.get("x-secret")]);
        await context.sleep("sleep", "1h");
        return seen;
      }),
    });
    const runId = await rig.run("secret", {
      body: "my secret",
      headers: { "x-secret": "hush", "x-plain": "open" },
      redact: { body: true, header: ["X-Secret"] },
    });
    const log = await rig.log(runId);
    expect(JSON.stringify(log)).not.toMatch(/my secret|hush/);
    expect(at(log.steps, 0).steps[0]).toMatchObject({
      out: expect.stringMatching(/^REDACTED:/),
      headers: { "X-Secret": [expect.stringMatching(/^REDACTED:/)], "X-Plain": ["open"] },
    });
    expect(at(log.steps, 1).steps[0]).toMatchObject({ out: expect.stringMatching(/^REDACTED:/) });
    const { logs } = await rig.qstash.client.logs();
    expect(JSON.stringify(logs)).not.toMatch(/my secret|hush/);
    const encoded = Buffer.from("my secret").toString("base64");
    expect(JSON.stringify(logs)).not.toContain(encoded);
    expect(JSON.stringify(rig.deliveriesTo("secret").map(({ body }) => body))).toContain(encoded);
    expect(at(rig.deliveriesTo("secret"), 1).headers).toMatchObject({ "x-secret": "hush" });
    await rig.advance(3_600_000);
    expect((await rig.log(runId)).workflowRunResponse).toMatch(/^REDACTED:/);
  });
});

describe("the ledger", () => {
  it("bills each attempt of a run as one message, calls and failures included", async () => {
    const rig = await startWorkflow({
      costly: createWorkflow(
        async (context: WorkflowContext<string>) => {
          await context.call("ask", { url: context.requestPayload, retries: 1, retryDelay: "1000" });
          throw new Error("broken");
        },
        { failureFunction: () => "noted" },
      ),
    });
    const other = await startDestination();
    other.answer(() => ({ status: 500 }));
    await rig.run("costly", { body: other.url, retries: 1, retryDelay: "1000" });
    await rig.advance(5_000);
    expect(rig.qstash.ledger.read().byUrl).toEqual({
      [other.url]: 2,
      // The payload, the answer, the result twice, the failure function.
      [rig.urlOf("costly")]: 5,
    });
  });
});
