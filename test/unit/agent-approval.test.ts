import { describe, expect, it } from "vitest";
import { agentRun } from "../../src/agent/run/agent-run.ts";
import { agentExecution } from "../../src/agent/run/phase-runs.ts";
import { limits } from "../../src/core/limits.ts";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { forkRun } from "../../src/engine/fork-run.ts";
import { createAgentRig, planText, summaryText, testAgent, type AgentRig } from "../support/agent-rig.ts";

/** What is queued for later is left there. */
async function deliverDue(rig: AgentRig): Promise<void> {
  while (rig.queued.some(({ notBeforeMs }) => notBeforeMs <= rig.clock.now())) await rig.deliverOne();
}

describe("an approval", () => {
  const gated = (say = planText({ id: "pay", tool: "charge", parameters: { usd: 20 } })) =>
    createAgentRig([say, summaryText("Paid.")], { charge: { needsApproval: true }, good: {} });

  it("is asked for, waited for without a Worker, and given with a signal days later", async () => {
    const rig = gated();
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "pay" });
    expect(rig.state(ref).status).toBe("waiting");
    expect(rig.eventData(ref, "approval-requested")).toMatchObject([
      { stepId: "pay", tool: "charge", parameters: { usd: 20 }, signal: "approval:pay" },
    ]);
    await rig.clock.advance(5 * 24 * 60 * 60 * 1000);
    expect(await rig.signal(ref, "approval:pay", { approved: true })).toEqual({ kind: "done" });
    await rig.deliverAll();
    expect(rig.did).toEqual(['charge {"usd":20}']);
    expect(rig.output(ref).summary).toBe("Paid.");
  });

  it("may change what is done", async () => {
    const rig = gated();
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "pay" });
    await rig.signal(ref, "approval:pay", { approved: true, parameters: { usd: 5 } });
    await rig.deliverAll();
    expect(rig.did).toEqual(['charge {"usd":5}']);
    expect(rig.eventData(ref, "approval-answered")).toEqual([
      { stepId: "pay", approved: true, parameters: { usd: 5 } },
    ]);
    expect(rig.output(ref).results).toMatchObject([{ id: "pay", status: "done", parameters: { usd: 5 } }]);
  });

  it.each([
    ["a no with a reason", { approved: false, reason: "too much" }, "The user denied it: too much"],
    ["a no", { approved: false }, "The user denied it."],
    ["what cannot be read", { yes: 1 }, "The approval could not be read, which counts as a no."],
    ["nothing", undefined, "The approval could not be read, which counts as a no."],
    ["a yes as a text", "approved", "The approval could not be read, which counts as a no."],
  ])("holds the tool back at %s", async (_name, payload, errorText) => {
    const rig = gated();
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "pay" });
    await rig.signal(ref, "approval:pay", payload);
    await rig.deliverAll();
    expect(rig.did).toEqual([]);
    const parameters = { usd: 20 };
    expect(rig.output(ref).results).toEqual([{ id: "pay", tool: "charge", parameters, status: "denied", errorText }]);
    expect(rig.state(ref).status).toBe("completed");
  });

  it("expires", async () => {
    const rig = gated();
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "pay" });
    await rig.deliverAll();
    expect(rig.clock.now()).toBeGreaterThanOrEqual(limits.approvalMsMax);
    expect(rig.output(ref).results[0]).toMatchObject({ status: "denied", errorText: "Nobody approved it in time." });
  });

  it("counts once, and is of no use for a run that is over", async () => {
    const rig = gated();
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "pay" });
    expect(await rig.signal(ref, "approval:pay", { approved: true })).toEqual({ kind: "done" });
    expect(await rig.signal(ref, "approval:pay", { approved: false })).toEqual({ kind: "repeated" });
    await rig.deliverAll();
    expect(rig.did).toHaveLength(1);
    expect(await rig.signal(ref, "approval:pay", { approved: true }, "again")).toMatchObject({ kind: "refused" });
  });

  it("pays once, also through a fork, which asks anew", async () => {
    const rig = gated();
    const plan = JSON.parse(planText({ id: "pay", tool: "charge", parameters: { usd: 20 } })) as object;
    const source = await rig.startOf(agentExecution, { agent: testAgent, goal: "pay", plan });
    await rig.signal(source, "approval:pay", { approved: true });
    await rig.deliverAll();
    expect(rig.did).toEqual(['charge {"usd":20}']);
    const ref = { ...source, runId: "run_fork" };
    const request = { source, ref, definition: agentExecution as never, steps: 1, isDry: false };
    expect(await forkRun(rig.parts(), request)).toEqual({ kind: "forked" });
    await deliverDue(rig);
    expect(rig.did).toHaveLength(1);
    expect(rig.eventData(ref, "approval-requested")).toMatchObject([{ stepId: "pay", signal: "approval:pay" }]);
    await rig.signal(ref, "approval:pay", { approved: false });
    await rig.deliverAll();
    expect(rig.did).toHaveLength(1);
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: { results: [{ status: "denied" }] } });
  });

  it("is asked for all steps at once, and nothing runs before each has its answer", async () => {
    const rig = gated(
      planText({ id: "one", tool: "charge" }, { id: "two", tool: "good" }, { id: "three", tool: "charge" }),
    );
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "pay" });
    expect(rig.eventData(ref, "approval-requested")).toHaveLength(2);
    await rig.signal(ref, "approval:three", { approved: true });
    await deliverDue(rig);
    expect(rig.did).toEqual([]);
    await rig.signal(ref, "approval:one", { approved: false });
    await rig.deliverAll();
    expect(rig.did).toEqual(["good {}", "charge {}"]);
  });
});

describe("a failed run of an agent", () => {
  it("undoes what it did, in reverse, when it is cancelled", async () => {
    const undone: unknown[] = [];
    const rig = createAgentRig(
      [
        planText(
          { id: "a", tool: "book" },
          { id: "b", tool: "book", dependsOn: ["a"] },
          { id: "c", tool: "gated", dependsOn: ["b"] },
        ),
      ],
      {
        book: {
          run: () => ({ kind: "ok", output: undone.length + rig.did.length }),
          undo: (output) => void undone.push(output),
        },
        gated: { needsApproval: true },
      },
    );
    const ref = await rig.startOf(agentRun, { agent: testAgent, goal: "book" });
    await actOnRun(rig.parts(), ref, { kind: "cancel", reason: "changed my mind", isUndoing: true });
    await rig.deliverAll();
    expect(rig.state(ref).status).toBe("cancelled");
    expect(undone).toEqual([2, 1]);
  });
});
