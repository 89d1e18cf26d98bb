/** Webhooks: URLs that a run makes, gives away, and waits for. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it } from "vitest";
import { at } from "./qstash-rig.ts";
import { expectResult, startWorkflow, type WorkflowRig } from "./workflow-rig.ts";

const view = async ({ timeout, request }: { timeout: boolean; request: Request | undefined }) => ({
  timeout,
  ...(request !== undefined && {
    method: request.method,
    url: request.url,
    user: request.headers.get("x-user"),
    body: await request.text(),
  }),
});

/** Waits as often as its payload says. */
const hooked = createWorkflow(async (context: WorkflowContext<number>) => {
  const webhook = await context.createWebhook("make");
  const calls: unknown[] = [];
  for (let index = 0; index < context.requestPayload; index += 1)
    calls.push(await view(await context.waitForWebhook(`wait ${index}`, webhook, "30s")));
  return calls;
});

/** Sleeps first, so that a call can come before the wait. */
const late = createWorkflow(async (context: WorkflowContext) => {
  const webhook = await context.createWebhook("make");
  await context.sleep("sleep", 60);
  const calls = [
    await context.waitForWebhook("first", webhook, "30s"),
    await context.waitForWebhook("second", webhook, "30s"),
  ];
  return Promise.all(calls.map(view));
});

async function webhookUrlOf(rig: WorkflowRig, runId: string): Promise<string> {
  const { steps } = await rig.log(runId);
  const made = at(steps, 1).steps[0] as { out: string };
  return (JSON.parse(made.out) as { webhookUrl: string }).webhookUrl;
}

describe("a webhook", () => {
  it("brings the method, the URL, the headers and the body of its call, without a token", async () => {
    const rig = await startWorkflow({ hooked });
    const runId = await rig.run("hooked", { body: 1 });
    const url = await webhookUrlOf(rig, runId);
    expect(url).toBe(`${rig.qstash.url}/v2/workflows/hooks/defaultUser/${runId}/${url.split("/").at(-1)}`);
    const response = await fetch(`${url}?a=1`, { method: "PUT", headers: { "x-user": "ada" }, body: "“hi”" });
    await rig.qstash.idle();
    expect(response.status).toBe(200);
    expect(rig.deliveriesTo("hooked")).toHaveLength(3);
    await expectResult(rig, runId, [{ timeout: false, method: "PUT", url: `${url}?a=1`, user: "ada", body: "“hi”" }]);
  });

  it.each(["GET", "POST", "PATCH", "DELETE"])("may be called by %s", async (method) => {
    const rig = await startWorkflow({ hooked });
    const runId = await rig.run("hooked", { body: 1 });
    const url = await webhookUrlOf(rig, runId);
    expect((await fetch(url, { method })).status).toBe(200);
    await rig.qstash.idle();
    await expectResult(rig, runId, [{ timeout: false, method, url, user: null, body: "" }]);
  });

  it("may be waited for again and again", async () => {
    const rig = await startWorkflow({ hooked });
    const runId = await rig.run("hooked", { body: 3 });
    const url = await webhookUrlOf(rig, runId);
    for (const body of ["1", "2", "3"]) {
      await fetch(url, { method: "POST", body });
      await rig.qstash.idle();
    }
    expect(rig.deliveriesTo("hooked")).toHaveLength(2 + 3);
    await expectResult(
      rig,
      runId,
      [{ body: "1" }, { body: "2" }, { body: "3" }].map((call) => expect.objectContaining(call) as object),
    );
  });

  it("keeps the calls that come before the wait, in their order", async () => {
    const rig = await startWorkflow({ late });
    const runId = await rig.run("late");
    const url = await webhookUrlOf(rig, runId);
    for (const body of ["1", "2"]) await fetch(url, { method: "POST", body });
    expect(rig.deliveriesTo("late")).toHaveLength(2);
    await rig.advance(60_000);
    expect(rig.deliveriesTo("late")).toHaveLength(5);
    await expectResult(
      rig,
      runId,
      [{ body: "1" }, { body: "2" }].map((call) => expect.objectContaining(call) as object),
    );
  });

  it("that nobody calls ends its wait in time", async () => {
    const rig = await startWorkflow({ hooked });
    const runId = await rig.run("hooked", { body: 1 });
    await rig.advance(30_000);
    expect(rig.deliveriesTo("hooked")).toHaveLength(3);
    await expectResult(rig, runId, [{ timeout: true }]);
  });

  it("of another user, of an unknown run and of a run that is over is not found", async () => {
    const rig = await startWorkflow({ hooked });
    const runId = await rig.run("hooked", { body: 1 });
    const url = await webhookUrlOf(rig, runId);
    const statusOf = async (other: string) => (await fetch(other, { method: "POST" })).status;
    expect(await statusOf(url.replace("defaultUser", "somebody"))).toBe(404);
    expect(await statusOf(url.replace(runId, "wfr_nobody"))).toBe(404);
    await rig.client.cancel(runId);
    expect(await statusOf(url)).toBe(404);
    expect(rig.deliveriesTo("hooked")).toHaveLength(2);
  });

  it("needs no token, and nothing else is open because of it", async () => {
    const rig = await startWorkflow({ hooked });
    for (const path of [
      "workflows/events?groupBy=workflowRunId",
      "workflows/hooks",
      "waiters/x",
      "workflows/runs/wfr_x",
    ])
      expect((await fetch(`${rig.qstash.url}/v2/${path}`)).status).toBe(401);
  });
});
