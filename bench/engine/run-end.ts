/** Waits for the end of a run that has not come with the answer to its start: it yielded, or the machine is slow. */
import { setTimeout as wait } from "node:timers/promises";
import type { StartedRun } from "./skipstone.ts";
import type { Stage } from "./stage.ts";

const pollMs = 50;
const runMsMax = 300_000;

/** @throws Error when it does not complete. */
export async function untilCompleted(stage: Stage, run: StartedRun): Promise<void> {
  if (run.status === "completed") return;
  const untilMs = Date.now() + runMsMax;
  while (!(await stage.journal(run, -1))[0]?.includes(" completed ")) {
    if (Date.now() > untilMs) throw new Error(`the run ${run.runId} does not complete`);
    await wait(pollMs);
  }
}
