/**
 * What people and programs do to a run from outside: each act is one entry in its journal, and a trigger where nobody is there to notice.
 *
 * A1 An act that the run's state does not allow writes nothing.
 * A2 A segment that has the lease hears of an act at its next flush, at the latest with its next beat, and in any case before it gives the lease
 *    back; so it needs no trigger. If the journal has moved on since it was read, a trigger is sent to be safe.
 * A3 An act that is repeated sends the trigger again: whoever came first may have died between the entry and its trigger.
 */
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { foldRun } from "./fold-run.ts";
import { formatEntry, outside, type OutsideRecord } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import { isOver, isRunOut, type RunState } from "./run-state.ts";
import { wakeRun } from "./wake-run.ts";

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
  | { readonly kind: "cancel"; readonly reason: string; readonly isUndoing: boolean }
  | { readonly kind: "pause" | "resume" | "retry" | "compensate" };

/** Safe to repeat. 2 round trips and 2 billed commands; where nobody has the lease 3 of each and 1 message. */
export async function actOnRun(engine: EnginePorts, ref: RunRef, act: RunAct): Promise<ActOutcome> {
  const { state } = foldRun(await engine.journal.read(ref, 0));
  if (state.started === undefined) return { kind: "unknown" };
  const at = engine.clock.now();
  const isHeld = state.holder !== undefined && !isRunOut(state.holder, at);
  const objection = objectionTo(act, state);
  if (objection !== undefined) {
    if (objection.kind === "repeated" && !isHeld && !isOver(state.status) && act.kind !== "pause") {
      await wakeRun(engine, ref, state);
    }
    return objection;
  }
  const length = await engine.journal.append(ref, [
    formatEntry({ writer: outside, seq: 0, at, record: recordOf(act) }),
  ]);
  if (length === 0) return { kind: "unknown" };
  const isHeard = isHeld && length === state.length + 1;
  if (!isHeard && act.kind !== "pause") await wakeRun(engine, ref, state);
  return { kind: "done" };
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
      if (state.signals.length < limits.signalsKeptMax) return undefined;
      return refused(`The run has ${limits.signalsKeptMax} signals that it has not taken yet.`);
    case "cancel":
      if (state.cancellation !== undefined) return { kind: "repeated" };
      return state.undoing === undefined ? undefined : refused("The run is being undone already.");
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
