/**
 * What people and programs do to a run from outside: each act is one entry in its journal, and a trigger where nobody is there to notice.
 *
 * A1 An act that the run's state does not allow writes nothing.
 * A2 A segment that has the lease hears of an act at its next flush, at the latest with its next beat, and in any case before it gives the lease
 *    back: what it gives it back with ends no run behind a cancellation or a pause (R7 of `fold-run.ts`). So it needs no trigger. If the journal has
 *    moved on since it was read, a trigger is sent to be safe.
 * A3 What was written between the reading and the act came before it: a signal that was sent twice at once is told so, and so is one that came too late.
 * A4 The sweep is told with the entry, for whoever acts may die before the trigger is sent; and an act that is repeated sends the trigger again.
 */
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { foldRun, type RunFold } from "./fold-run.ts";
import { formatEntry, outside, type OutsideRecord } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import { triggerOf } from "./queue.ts";
import { isOver, isOwnSignal, isRunOut, type RunState } from "./run-state.ts";

export type ActOutcome =
  | { readonly kind: "done" }
  /** It was done before; nothing changed. */
  | { readonly kind: "repeated" }
  /** There is no such run. */
  | { readonly kind: "unknown" }
  /** The run's state does not allow it; the sentence says why. */
  | { readonly kind: "refused"; readonly reason: string };

export type RunAct =
  | { readonly kind: "signal"; readonly id: string; readonly name: string; readonly payload: JsonValue | undefined }
  /** `isForParked`: gives up a run that waits for a person, and no other. */
  | { readonly kind: "cancel"; readonly reason: string; readonly isUndoing: boolean; readonly isForParked?: true }
  | { readonly kind: "pause" | "compensate" }
  | { readonly kind: "resume" | "retry"; readonly admit?: Admission | undefined };

/** Is shown a run before it is tried again, and throws where that is not for whoever asks. */
export type Admission = (state: RunState) => Promise<void>;

/**
 * Safe to repeat. 2 round trips, 3 billed commands, at most 1 message; 1 and 2 more for the retry of a run that has failed, 1 and 1 more for a signal to a run into whose
 * journal others write at the same moment.
 */
export async function actOnRun(engine: EnginePorts, ref: RunRef, act: RunAct): Promise<ActOutcome> {
  const fold = foldRun(await engine.journal.read(ref, 0));
  const { state } = fold;
  if (state.started === undefined) return { kind: "unknown" };
  const at = engine.clock.now();
  const trigger = triggerOf(ref, state);
  const isHeld = state.holder !== undefined && !isRunOut(state.holder, at);
  const objection = objectionTo(act, state);
  if (objection !== undefined) {
    const isPending = objection.kind === "repeated" && !isHeld && !isOver(state.status);
    if (isPending && act.kind !== "pause") await engine.queue.triggerNextStep(trigger);
    return objection;
  }
  // What its end still has to see to would take back what the retry does.
  if (isOver(state.status) && (await engine.dueRuns.isKnown(ref))) {
    return refused("The run has only just ended; try again in a minute.");
  }
  // A run that was paused only goes on; one that is parked or has failed does what it would not have done.
  if (act.kind === "retry" || (act.kind === "resume" && state.status === "parked")) await act.admit?.(state);
  const length = await engine.journal.act(trigger.ref, {
    entry: formatEntry({ writer: outside, seq: 0, at, record: recordOf(act) }),
    ...(act.kind === "pause" ? {} : { dueAtMs: at + limits.sweepSlackMs }),
    isRevival: isOver(state.status),
  });
  if (length === 0) return { kind: "unknown" };
  const isAlone = length === state.length + 1;
  if (!(isHeld && isAlone) && act.kind !== "pause") await engine.queue.triggerNextStep(trigger);
  if (isAlone || act.kind !== "signal") return { kind: "done" };
  await catchUp(engine, trigger.ref, fold, length - 1);
  return objectionTo(act, state) ?? { kind: "done" };
}

/** Folds what the volume has up to `length`. Of one that was compacted meanwhile nothing more is known. */
async function catchUp(
  { journal }: EnginePorts,
  ref: RunRef,
  { state, apply }: RunFold,
  length: number,
): Promise<void> {
  const from = state.length;
  for (const entry of (await journal.read(ref, from)).slice(0, length - from)) apply(entry);
}

function recordOf(act: RunAct): OutsideRecord {
  switch (act.kind) {
    case "signal": {
      const payload = act.payload === undefined ? {} : { payload: act.payload };
      return { type: "signal", id: act.id, name: act.name, ...payload };
    }
    case "cancel":
      return { type: "cancel", reason: act.reason, isUndoing: act.isUndoing };
    default:
      return { type: act.kind };
  }
}

function objectionTo(act: RunAct, state: RunState): ActOutcome | undefined {
  if (act.kind === "retry") return objectionToRetry(state);
  if (act.kind === "signal" && state.signalIds.has(act.id)) return { kind: "repeated" };
  if (isOver(state.status)) return refused(`The run ${state.status === "cancelled" ? "was" : "has"} ${state.status}.`);
  switch (act.kind) {
    case "signal":
      if (isOwnSignal(act.name) || state.signals.length < limits.signalsKeptMax) return undefined;
      return refused(`The run has ${limits.signalsKeptMax} signals that it has not taken yet.`);
    case "cancel":
      return objectionToCancel(act, state);
    case "compensate":
      if (state.status === "parked") return undefined;
      return state.cancellation === undefined && state.undoing === undefined ? undefined : { kind: "repeated" };
    case "pause":
      return state.isPauseWanted || state.status === "paused" ? { kind: "repeated" } : objectionToPause(state);
    case "resume":
      if (state.status === "paused" || state.status === "parked" || state.isPauseWanted) return undefined;
      return refused("The run is neither paused nor parked.");
  }
}

/** One that is parked may be cancelled again: to have what was done undone after all, or to give that up. */
function objectionToCancel(
  { isUndoing, isForParked }: Extract<RunAct, { kind: "cancel" }>,
  state: RunState,
): ActOutcome | undefined {
  const isParked = state.status === "parked";
  if (isForParked === true && !isParked && state.cancellation === undefined) return refused("The run is not parked.");
  if (state.undoing !== undefined && (isUndoing || !isParked)) return refused("The run is being undone already.");
  return state.cancellation === undefined || isParked ? undefined : { kind: "repeated" };
}

function objectionToRetry(state: RunState): ActOutcome | undefined {
  if (state.status === "parked") return undefined;
  if (state.status !== "failed") return refused("Only a run that failed or is parked can be retried.");
  return state.undoing === undefined ? undefined : refused("What the run had done is undone; start it anew instead.");
}

function objectionToPause(state: RunState): ActOutcome | undefined {
  return state.status === "parked" ? refused("The run is parked already.") : undefined;
}

function refused(reason: string): ActOutcome {
  return { kind: "refused", reason };
}
