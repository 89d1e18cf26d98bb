import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import type { RunRef } from "./journal.ts";
import { triggerOf } from "./queue.ts";
import type { RunState } from "./run-state.ts";

/**
 * Sends for the next segment of a run to which something has happened; the journal says so already. The sweep looks after it soon, for a run that waits may
 * have no other time for months, and a message can be lost for good. Safe to repeat. 1 round trip, 1 billed command, 1 message.
 */
export async function wakeRun(
  engine: Pick<EnginePorts, "dueRuns" | "queue" | "clock">,
  ref: RunRef,
  state: RunState,
): Promise<void> {
  await engine.dueRuns.postpone([{ ref, dueAtMs: engine.clock.now() + limits.sweepSlackMs }]);
  await engine.queue.triggerNextStep(triggerOf(ref, state));
}
