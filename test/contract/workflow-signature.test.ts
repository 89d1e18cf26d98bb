/** `serve` verifies what it is sent with the keys of its environment. */
import { Receiver } from "@upstash/qstash";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { firstKeys } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

const two = createWorkflow(async (context) => {
  await context.run("one", () => {});
  return context.run("two", () => 2);
});

describe("the deliveries of a run", () => {
  it("are accepted by an endpoint that knows the current key", async () => {
    const rig = await startWorkflow({ two }, { keys: { current: firstKeys.current, next: "sig_other" } });
    await expectResult(rig, await rig.run("two"), 2);
  });

  it("are accepted by an endpoint that knows the key as its next one", async () => {
    const rig = await startWorkflow({ two }, { keys: { current: "sig_other", next: firstKeys.current } });
    await expectResult(rig, await rig.run("two"), 2);
  });

  it("are accepted after a rotation, by an endpoint that was not told, and not after a second one", async () => {
    const rig = await startWorkflow({ two });
    await rig.qstash.call("POST", "/v2/keys/rotate");
    await expectResult(rig, await rig.run("two"), 2);
    await rig.qstash.call("POST", "/v2/keys/rotate");
    const runId = await rig.run("two", { retries: 0 });
    expect(rig.deliveriesTo("two")).toHaveLength(3 + 1 + 1);
    expect((await rig.log(runId)).workflowState).toBe("RUN_FAILED");
  });

  it("are accepted when the keys are rotated in the middle of the run", async () => {
    const rig = await startWorkflow({
      rotates: createWorkflow(async (context) => {
        await context.run("rotate", async () => (await rig.qstash.call("POST", "/v2/keys/rotate")).status);
        return context.run("two", () => 2);
      }),
    });
    await expectResult(rig, await rig.run("rotates"), 2);
  });

  it("are refused by an endpoint that knows neither key, which fails the run", async () => {
    const rig = await startWorkflow({ two }, { keys: { current: "sig_x", next: "sig_y" } });
    const runId = await rig.run("two", { retries: 1, retryDelay: "1000" });
    await rig.advance(1_000);
    expect((await rig.log(runId)).steps.at(-1)).toMatchObject({
      steps: [{ state: "STEP_FAILED", errors: [{ status: 500 }, { status: 500 }] }],
    });
  });

  it("are refused with a byte changed, and are signed for the URL of the workflow", async () => {
    const rig = await startWorkflow({ two });
    await rig.run("two");
    const receiver = new Receiver({
      currentSigningKey: firstKeys.current,
      nextSigningKey: "sig_other",
      devMode: false,
    });
    for (const { body, headers } of rig.deliveriesTo("two")) {
      const signed = { signature: String(headers["upstash-signature"]), url: rig.urlOf("two") };
      expect(await receiver.verify({ ...signed, body })).toBe(true);
      await expect(receiver.verify({ ...signed, body: `${body} ` })).rejects.toThrow("body hash");
      await expect(receiver.verify({ ...signed, body, url: "http://elsewhere.example/" })).rejects.toThrow("subject");
    }
  });
});
