/**
 * Finds runs that should have gone on and did not: their segment died, or the message that was to bring the next one is lost.
 *
 * Every run that is not over is in the registry with a time at which it is to be looked at. What is found in order is put off; the rest is triggered.
 */
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { finishRun } from "./finish-run.ts";
import { foldRun } from "./fold-run.ts";
import type { RunRef } from "./journal.ts";
import { parkedPlace } from "./parked-runs.ts";
import { triggerOf, type Trigger } from "./queue.ts";
import { hasNews, isOver, isRunOut, type RunState } from "./run-state.ts";

export interface SweepReport {
  /** Runs that were looked at. */
  readonly seen: number;
  readonly triggered: number;
  readonly forgotten: number;
}

/**
 * One round. Safe to run twice at once: a run that is triggered twice goes on once.
 * 1 command when nothing is due; else 3 or 4 round trips, 2 or 3 commands and 1 for each run that is due, 1 message for each that is triggered.
 */
export async function sweep(engine: EnginePorts): Promise<SweepReport> {
  const due = engine.dueRuns;
  const now = engine.clock.now();
  const refs = await due.overdue(now, limits.sweepRunsMax);
  if (refs.length === 0) return { seen: 0, triggered: 0, forgotten: 0 };
  const journals = await engine.journal.readMany(refs);
  const seen = refs.map((ref, index) => {
    const journal = journals[index];
    const { state } = foldRun(journal ?? []);
    return { ref, state, ...(journal === undefined ? unreadable(engine, ref, now) : judge(state, now)) };
  });
  const stranded = seen.filter(({ isStranded }) => isStranded === true);
  // Put off first: if we die between the two, the next round finds them again.
  const going = seen.flatMap(({ ref, dueAtMs }) => (dueAtMs === undefined ? [] : [{ ref, dueAtMs }]));
  if (going.length > 0) await due.postpone(going);
  const over = seen.filter(({ dueAtMs }) => dueAtMs === undefined);
  await retire(engine, over);
  for (const { ref, state } of stranded) await send(engine, triggerOf(ref, state));
  return { seen: seen.length, triggered: stranded.length, forgotten: over.length };
}

/** Those that have a parent finish one by one: it may not have been told. */
async function retire(
  engine: EnginePorts,
  over: readonly { readonly ref: RunRef; readonly state: RunState }[],
): Promise<void> {
  const [children, others] = [
    over.filter(({ state }) => state.started?.parent),
    over.filter(({ state }) => !state.started?.parent),
  ];
  if (others.length > 0) await engine.dueRuns.retire(others.map(({ ref }) => ref));
  for (const { ref, state } of children) await finishRun(engine, ref, state);
}

async function send(engine: EnginePorts, trigger: Trigger): Promise<void> {
  engine.log.warn("a run was found stranded and goes on", { runId: trigger.ref.runId });
  await engine.queue.triggerNextStep(trigger);
}

interface Judgement {
  /** Absent when the run is over and need not be looked at again. */
  readonly dueAtMs?: number;
  /** Absent when all is in order. */
  readonly isStranded?: true;
}

/** It is there, and will go on once it can be read again: its key may have been taken out of the configuration. */
function unreadable(engine: EnginePorts, { runId }: RunRef, now: number): Judgement {
  engine.log.error("a run cannot be read and is left alone", { runId });
  return { dueAtMs: now + limits.sweepUnreadableMs };
}

function judge(state: RunState, now: number): Judgement {
  if (state.started === undefined || isOver(state.status)) return {};
  if (state.status === "parked") return { dueAtMs: parkedPlace(state.lastAt) };
  if (state.status === "paused") return { dueAtMs: now + limits.waitMsMax };
  if (state.holder !== undefined && !isRunOut(state.holder, now)) {
    return { dueAtMs: state.holder.lastAt + state.holder.leaseMs + limits.sweepSlackMs };
  }
  const mayWait = state.status === "waiting" || state.wakesAtMs !== undefined;
  const isWaiting = state.holder === undefined && mayWait && !hasNews(state);
  const lateAtMs = (state.wakesAtMs ?? now + limits.waitMsMax) + limits.sweepSlackMs;
  if (isWaiting && lateAtMs > now) return { dueAtMs: lateAtMs };
  return { dueAtMs: now + limits.sweepAgainMs, isStranded: true };
}
