/** An agent plans and books a dinner on the built Worker, in a workerd that is killed with SIGKILL in each of its phases. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import type { ReadEvent } from "../support/run-client.ts";
import { createGuest } from "./guest.ts";
import { startWorkerdApp, type WorkerdApp } from "./workerd-app.ts";

let stack: RunningStack;
let app: WorkerdApp;
beforeAll(async () => {
  stack = await startStack();
  app = await startWorkerdApp(stack);
});
afterAll(async () => {
  await app.close();
  await stack.close();
});

const goal = "plan and execute a dinner reservation for four tomorrow";

/** What is told when a phase has begun, and when something of it is done. */
const moments: Readonly<Record<string, (event: ReadEvent) => boolean>> = {
  "planning begins": ({ type, data }) => type === "phase-started" && phaseOf(data) === "planning",
  "the plan is there": ({ type }) => type === "plan-created",
  "a table is reserved": ({ type, data }) => type === "step-completed" && data["step"] === "do reserve",
  "the deposit waits for a word": ({ type }) => type === "approval-requested",
  "reflection begins": ({ type, data }) => type === "phase-started" && phaseOf(data) === "reflection",
};

function phaseOf(data: ReadEvent["data"]): unknown {
  return (data["payload"] as { phase?: unknown }).phase;
}

/** The offline model answers a plan and a summary. */
const modelCalls = 2;

it.each(Object.entries(moments))(
  "the agent books once and pays for no answer twice, killed when %s",
  { timeout: 240_000 },
  async (name, isMoment) => {
    stack.ledger.reset();
    const before = stack.restaurant.read().effects.length;
    const guest = await createGuest(app);
    const runId = await guest.ask(name.replaceAll(" ", "-"), goal);
    let killed: Promise<void> | undefined;
    let approved = Promise.resolve();
    const events = await guest.follow(runId, (event) => {
      if (isMoment(event)) killed ??= app.killAndRestart();
      if (event.type !== "approval-requested") return;
      const { stepId } = event.data["payload"] as { stepId: string };
      approved = guest.approve(runId, stepId);
    });
    await approved;
    await killed;

    expect(killed).toBeDefined();
    expect(events.at(-1)).toMatchObject({ type: "workflow-completed" });
    expect(events).toEqual(await guest.replay(runId));
    const done = stack.restaurant.read().effects.slice(before);
    expect(done.map(({ kind }) => kind)).toEqual(["reserved", "charged", "notified"]);
    // Only a call that was under way at the kill had no answer to keep.
    expect(stack.ledger.read().modelCalls).toBeLessThanOrEqual(modelCalls + 1);
  },
);
