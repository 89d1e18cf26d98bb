import type { JsonValue } from "../core/json.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { foldRun } from "./fold-run.ts";
import { formatEntry, outside, type ParentStep } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import { childSignal, type ChildEnd } from "./outreach.ts";
import { isOver, type RunState } from "./run-state.ts";
import { wakeRun } from "./wake-run.ts";

/**
 * What is left to do when a run is over: its parent is told, and the sweep lets it go. Safe to repeat; the sweep does so if we die on the way.
 * 1 round trip and 2 billed commands; with a parent 3 more of each, and 1 message.
 */
export async function finishRun(engine: EnginePorts, ref: RunRef, state: RunState): Promise<void> {
  const parent = state.started?.parent;
  if (parent !== undefined) await tellParent(engine, { ref, parent, end: endOf(state) });
  await engine.dueRuns.retire([ref]);
}

function endOf(state: RunState): ChildEnd {
  if (state.failure !== undefined) return { kind: "failed", failure: state.failure };
  return { kind: "completed", ...(state.output === undefined ? {} : { output: state.output }) };
}

/** Safe to repeat: the parent takes the signal once. */
async function tellParent(
  engine: EnginePorts,
  { ref, parent, end }: { readonly ref: RunRef; readonly parent: ParentStep; readonly end: ChildEnd },
): Promise<void> {
  const parentRef = { userId: ref.userId, runId: parent.runId };
  const record = {
    type: "signal",
    id: `child:${ref.runId}`,
    name: childSignal(parent.step),
    payload: end as unknown as JsonValue,
  } as const;
  await engine.journal.append(parentRef, [formatEntry({ writer: outside, seq: 0, at: engine.clock.now(), record })]);
  const [journal] = await engine.journal.readMany([parentRef]);
  // It has the signal; the sweep brings a parent on that can be read again.
  if (journal === undefined) return;
  const { state } = foldRun(journal);
  if (state.started === undefined || isOver(state.status)) return;
  await wakeRun(engine, parentRef, state);
}
