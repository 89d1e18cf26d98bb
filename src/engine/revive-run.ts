/** Whoever meets a run that should have gone on and did not sends for its next segment, and does not wait for the sweep. */
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import type { RunRef } from "./journal.ts";
import { triggerOf } from "./queue.ts";
import { hasNews, isOver, isRunOut, type RunState } from "./run-state.ts";

/** Does nothing to a run that is in order. 1 message; a run that is sent for twice goes on once. @throws whatever the queue throws. */
export async function reviveIfStranded(
  engine: Pick<EnginePorts, "queue" | "clock" | "log">,
  ref: RunRef,
  state: RunState,
): Promise<void> {
  if (!isStranded(state, engine.clock.now())) return;
  engine.log.warn("a run was met stranded and goes on", { runId: ref.runId });
  await engine.queue.triggerNextStep(triggerOf(ref, state));
}

/** Its segment is dead, or the message that was to bring the next one is long overdue. */
function isStranded(state: RunState, nowMs: number): boolean {
  const { started, status, holder } = state;
  if (started === undefined || isOver(status) || status === "parked" || status === "paused") return false;
  if (holder !== undefined) return isRunOut(holder, nowMs);
  const isWaiting = (status === "waiting" || state.wakesAtMs !== undefined) && !hasNews(state);
  const dueAtMs = isWaiting ? (state.wakesAtMs ?? Infinity) : state.lastAt;
  return nowMs > dueAtMs + limits.sweepSlackMs;
}
