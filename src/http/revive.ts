import type { Context } from "hono";
import type { RunRef } from "../engine/journal.ts";
import { reviveIfStranded } from "../engine/revive-run.ts";
import type { RunState } from "../engine/run-state.ts";
import type { AppEnv } from "./app-env.ts";

/** Whoever looks at a run helps it on. Nobody is turned away because the queue is: the sweep finds the run, too. */
export async function revive(c: Context<AppEnv>, ref: RunRef, state: RunState): Promise<void> {
  await reviveIfStranded((await c.get("wire").runs()).engine, ref, state).catch((error: unknown) => {
    c.get("log").warn("a stranded run could not be sent for", { runId: ref.runId, cause: error });
  });
}
