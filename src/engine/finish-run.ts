import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { foldRun } from "./fold-run.ts";
import { formatEntry, outside } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import { childSignal, type ChildEnd } from "./outreach.ts";
import { triggerOf, type Trigger } from "./queue.ts";
import { isOver, type RunState } from "./run-state.ts";

/**
 * What is left to do when a run is over: its parent is told, and the sweep lets it go. Safe to repeat; the sweep does so if we die on the way.
 * 1 round trip and 2 billed commands; with a parent 2 and 3 more, and 1 message.
 */
export async function finishRun(engine: EnginePorts, ref: RunRef, state: RunState): Promise<void> {
  const trigger = await tellParent(engine, ref, state);
  if (trigger !== undefined) await engine.queue.triggerNextStep(trigger);
  await engine.dueRuns.retire([ref]);
}

/**
 * Does nothing for a run without one. Safe to repeat: the parent takes the signal once.
 * @returns what brings the parent on; `undefined` where nobody has to.
 */
export async function tellParent(engine: EnginePorts, ref: RunRef, state: RunState): Promise<Trigger | undefined> {
  const parent = state.started?.parent;
  if (parent === undefined) return undefined;
  const parentRef = { userId: ref.userId, runId: parent.runId };
  const record = {
    type: "signal",
    id: `child:${ref.runId}`,
    name: childSignal(parent.step),
    payload: endOf(state) as unknown as JsonValue,
  } as const;
  const at = engine.clock.now();
  const entry = formatEntry({ writer: outside, seq: 0, at, record });
  await engine.journal.act(parentRef, { entry, dueAtMs: at + limits.sweepSlackMs });
  const [journal] = await engine.journal.readMany([parentRef]);
  // It has the signal; the sweep brings a parent on that can be read again.
  if (journal === undefined) return undefined;
  const { state: told } = foldRun(journal);
  if (told.started === undefined || isOver(told.status)) return undefined;
  return triggerOf(parentRef, told);
}

function endOf(state: RunState): ChildEnd {
  if (state.failure !== undefined) return { kind: "failed", failure: state.failure };
  return { kind: "completed", ...(state.output === undefined ? {} : { output: state.output }) };
}
