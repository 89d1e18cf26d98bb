/** A run as its journal tells it; `fold-run.ts` makes it. */
import type { JsonValue } from "../core/json.ts";
import { definitionKey } from "./run-definition.ts";
import type { WorkingMemory } from "./working-memory.ts";
import type { Delivery, Failure, JournalRecord, Spending } from "./journal-entry.ts";

export type RunStatus =
  | "running"
  | "waiting"
  | "paused"
  | "parked"
  | "compensating"
  | "completed"
  | "failed"
  | "cancelled";

/** A step whose outcome is decided, in the order in which outcomes were. */
export interface SettledStep {
  readonly step: string;
  readonly outcome: { readonly kind: "done"; readonly value: JsonValue | undefined } | FailedOutcome;
  readonly at: number;
  readonly beside: number;
  readonly isUndoable: boolean;
  /** Events that the code had emitted when it was recorded. */
  readonly emitted: number;
  /** Present when it is the end of a loop's turn. */
  readonly turn: { readonly emitted: number; readonly memory: WorkingMemory } | undefined;
}

export interface FailedOutcome {
  readonly kind: "failed";
  readonly failure: Failure;
}

/** Who has the lease, or had it and never gave it back. */
export interface Holder {
  readonly segment: string;
  readonly openedAt: number;
  readonly lastAt: number;
  readonly leaseMs: number;
  readonly delivery: Delivery | undefined;
  /** Steps settled since the opening. */
  readonly settledSteps: number;
  /** Whether anything was recorded since the opening that brings the run further. */
  readonly hasProgress: boolean;
}

export interface Wait {
  readonly step: string;
  readonly untilMs: number | undefined;
  readonly signal: string | undefined;
}

export interface Attempts {
  readonly count: number;
  readonly failure: Failure;
  readonly nextAtMs: number;
}

export interface Signal {
  readonly id: string;
  readonly name: string;
  readonly payload: JsonValue | undefined;
  readonly at: number;
}

export interface RunState {
  readonly started: Extract<JournalRecord, { type: "started" }> | undefined;
  readonly startedAt: number;
  readonly lastAt: number;
  readonly status: RunStatus;
  /** Which volume of the journal this is. */
  readonly volume: number;
  /** All entries of the volume, also those that do not count. */
  readonly length: number;
  /** Entries that count and are the run's own: its start, and what segments wrote. Numbers the events that readers get, through all volumes. */
  readonly places: number;
  /** Characters of the volume. */
  readonly bytes: number;
  /** Openings that counted. */
  readonly segments: number;
  readonly holder: Holder | undefined;
  readonly settled: readonly SettledStep[];
  /** By step. */
  readonly attempts: ReadonlyMap<string, Attempts>;
  /** Begun and not settled, by step. */
  readonly waits: ReadonlyMap<string, Wait>;
  /** Events that the code has emitted, those before a fork included. */
  readonly emitted: number;
  readonly memory: WorkingMemory;
  /** Not taken by a wait yet, in order of arrival. */
  readonly signals: readonly Signal[];
  /** Of all that came, also of those that were taken. */
  readonly signalIds: ReadonlySet<string>;
  /** What the cancellation asks for; absent while nobody cancelled. */
  readonly cancellation: { readonly reason: string; readonly isUndoing: boolean } | undefined;
  /** It was parked, and whoever cancelled it wants nothing undone any more: it ends as it is. */
  readonly isGivenUp: boolean;
  readonly isPauseWanted: boolean;
  /** It was over once, and was retried: the sweep had let it go. */
  readonly isRevived: boolean;
  /** Present once compensation has begun, with the number of steps settled before it. */
  readonly undoing:
    | {
        readonly status: "failed" | "cancelled";
        readonly failure: Failure;
        readonly step?: string;
        readonly forwardSteps: number;
      }
    | undefined;
  readonly parked: { readonly failure: Failure; readonly step?: string } | undefined;
  readonly output: JsonValue | undefined;
  readonly failure: Failure | undefined;
  /** When the run goes on by itself, while it waits. Unix ms. */
  readonly wakesAtMs: number | undefined;
  /** A segment has died, and what it had begun was not seen to its end since: it may have happened, and nothing says so. */
  readonly isUncertain: boolean;
  /** Segments in a row that closed and had got nowhere. */
  readonly idleSegments: number;
  /** Segments in a row that died before a single step was settled. */
  readonly deathsInARow: number;
  /** Steps that the last segment had settled when it died; absent when the last one closed. */
  readonly diedAfterSteps: number | undefined;
  /** Of all segments that closed. */
  readonly spent: Spending;
}

/** Of calls and children: answers that the run awaits. */
export function isOwnSignal(name: string): boolean {
  return name.startsWith("$");
}

/** Whether the lease is over without having been given back. */
export function isRunOut(holder: Holder, nowMs: number): boolean {
  return nowMs > holder.lastAt + holder.leaseMs;
}

/** Something came from outside that a segment has to look at: a signal that a wait is for, or a cancellation. */
export function hasNews(state: RunState): boolean {
  const { signals, waits } = state;
  if (isCancelWanted(state)) return true;
  const wanted = new Set([...waits.values()].map(({ signal }) => signal));
  return signals.some(({ name }) => wanted.has(name));
}

export function isOver(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Whether somebody has cancelled the run and nothing was done about it yet. */
export function isCancelWanted({ cancellation, undoing }: RunState): boolean {
  return cancellation !== undefined && undoing === undefined;
}

/** Whether somebody wants the run to stop where it is. */
export function isInterrupted(state: RunState): boolean {
  return state.isPauseWanted || isCancelWanted(state);
}

/** R7: whether a run that its code, or its compensation, has brought to this end is not over, because of an order that came before. */
export function isHeldBack(state: RunState, end: "completed" | "failed" | "cancelled"): boolean {
  return state.isPauseWanted || (isCancelWanted(state) && end === "completed");
}

/** Then what may have happened is seen to its end first, so that it can be undone. */
export function isUndoWanted(state: RunState): boolean {
  return isCancelWanted(state) && state.cancellation?.isUndoing === true;
}

/** `definitionKey` of a run; empty while it has not started. */
export function startedKey(started: RunState["started"]): string {
  return started === undefined ? "" : definitionKey({ name: started.definition, version: started.version });
}

/** A recorded outcome, as it is handed out again. */
export function settledStep(
  record: Extract<JournalRecord, { type: "done" | "failed" }>,
  at: number,
  { outcome, emitted, memory }: Pick<SettledStep, "outcome" | "emitted"> & Pick<RunState, "memory">,
): SettledStep {
  const { step, beside = 0 } = record;
  if (record.type === "failed") return { step, outcome, at, beside, isUndoable: false, emitted, turn: undefined };
  const turn = record.closes === undefined ? undefined : { emitted: record.emitted ?? 0, memory };
  return { step, outcome, at, beside, isUndoable: record.isUndoable === true, emitted, turn };
}
