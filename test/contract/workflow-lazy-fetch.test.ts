/** Deliveries too long for a body: the SDK fetches the steps of its run itself. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { breakable, failRun } from "./breakable-workflow.ts";
import { at, startDestination } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

const large = "x".repeat(200_000);
const front = { lazyFetchBytes: 50_000 };

const sizes = createWorkflow(async (context: WorkflowContext<string>) => {
  const [small, big] = await Promise.all([context.run("small", () => 1), context.run("big", () => large)]);
  return [context.requestPayload.length, small, big.length];
});

const isEmpty = ({ body }: { body: string }) => body === "";

describe("a run with large bodies", () => {
  it("gets all of them by default", async () => {
    const rig = await startWorkflow({ sizes });
    const runId = await rig.run("sizes", { body: large });
    expect(rig.deliveriesTo("sizes")).toHaveLength(5);
    expect(rig.deliveriesTo("sizes").filter(isEmpty)).toHaveLength(0);
    await expectResult(rig, runId, [large.length, 1, large.length]);
  });

  it("fetches a large payload where the threshold says so, in as many deliveries", async () => {
    const rig = await startWorkflow({ sizes }, { front });
    const runId = await rig.run("sizes", { body: large });
    expect(rig.deliveriesTo("sizes")).toHaveLength(5);
    expect(rig.deliveriesTo("sizes").filter(isEmpty)).toHaveLength(5);
    await expectResult(rig, runId, [large.length, 1, large.length]);
  });

  it("fetches what follows a large result, and gets the deliveries before it in full", async () => {
    const grows = createWorkflow(async (context) => {
      await context.run("small", () => 1);
      const big = await context.run("big", () => large);
      return context.run("after", () => big.length);
    });
    const rig = await startWorkflow({ grows }, { front });
    const runId = await rig.run("grows");
    expect(rig.deliveriesTo("grows").map(isEmpty)).toEqual([false, false, true, true]);
    await expectResult(rig, runId, large.length);
  });

  it("gets the large answer of a call in full, and fetches its result", async () => {
    const rig = await startWorkflow(
      {
        caller: createWorkflow(async (context: WorkflowContext<string>) => {
          const { body } = await context.call<string>("ask", { url: context.requestPayload });
          return body.length;
        }),
      },
      { front },
    );
    const other = await startDestination();
    other.answer(() => ({ status: 200, headers: { "content-type": "text/plain" }, body: large }));
    const runId = await rig.run("caller", { body: other.url });
    expect(rig.deliveriesTo("caller").map(isEmpty)).toEqual([false, false, true]);
    await expectResult(rig, runId, large.length);
  });

  it("tells its failure function of a large error and the payload", async () => {
    const seen: number[] = [];
    const rig = await startWorkflow(
      {
        fails: createWorkflow(
          async (context: WorkflowContext<string>) => {
            await context.run("fail", () => {
              throw new Error(large);
            });
          },
          {
            failureFunction: ({ context, failResponse }) => {
              seen.push(context.requestPayload.length, failResponse.length);
            },
          },
        ),
      },
      { front },
    );
    await rig.run("fails", { body: large, retries: 0 });
    expect(rig.deliveriesTo("fails")).toHaveLength(2);
    expect(seen).toEqual([large.length, large.length]);
  });

  it("is resumed without any of them", async () => {
    const { state, workflow } = breakable();
    const rig = await startWorkflow({ workflow }, { front: { lazyFetchBytes: 0 } });
    const dlqId = await failRun(rig, "workflow");
    state.isBroken = false;
    const run = await rig.client.dlq.resume({ dlqId });
    await rig.qstash.idle();
    expect(rig.deliveriesTo("workflow").filter(isEmpty)).toHaveLength(2 + 2);
    await expectResult(rig, run.workflowRunId, expect.objectContaining({ two: 2 }));
  });

  it("is signed for the body that is sent, be it none", async () => {
    const rig = await startWorkflow({ sizes }, { front });
    await rig.run("sizes", { body: large });
    const { body, headers } = at(rig.deliveriesTo("sizes"), 0);
    const signature = String(headers["upstash-signature"]);
    expect(await rig.qstash.receiver.verify({ signature, body })).toBe(true);
  });

  it("that ended meanwhile is not found, and its delivery ends in peace", async () => {
    const rig = await startWorkflow({ sizes }, { front });
    rig.qstash.faults.add({ server: "qstash", match: "GET /v2/workflows/runs/", action: "status", status: 404 });
    await rig.run("sizes", { body: large });
    expect(rig.deliveriesTo("sizes")).toHaveLength(1);
  });
});

describe("GET /v2/workflows/runs/{id}", () => {
  it("answers with what the next delivery would bring", async () => {
    const rig = await startWorkflow({
      naps: createWorkflow(async (context) => {
        await context.sleep("nap", 60);
      }),
    });
    const runId = await rig.run("naps", { body: "p" });
    const steps: unknown = await (await rig.qstash.call("GET", `/v2/workflows/runs/${runId}`)).json();
    await rig.advance(60_000);
    expect(JSON.parse(at(rig.deliveriesTo("naps"), 1).body)).toEqual(steps);
  });
});
