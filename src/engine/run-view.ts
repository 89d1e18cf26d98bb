/** A run as its owner sees it over HTTP. Times are unix ms. */
import type { JsonValue } from "../core/json.ts";
import { moneyFor, type Money } from "../core/prices.ts";
import { limits } from "../core/limits.ts";
import type { Failure, Spending } from "./journal-entry.ts";
import { isOver, type RunState, type RunStatus } from "./run-state.ts";
import { stepsToUndo } from "./undo-steps.ts";

export interface RunView {
  readonly runId: string;
  readonly definition: string;
  readonly version: number;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly updatedAt: number;
  /** Segments so far, and steps whose outcome is decided. */
  readonly segments: number;
  readonly steps: number;
  readonly conversationId?: string;
  readonly parentRunId?: string;
  readonly forkedFrom?: { readonly runId: string; readonly steps: number };
  readonly isDry?: true;
  /** Who carries it from segment to segment. */
  readonly executor: "segments" | "workflow";
  readonly output?: JsonValue;
  readonly failure?: Failure;
  /** The step at which the run is parked. */
  readonly step?: string;
  /** What it waits for. */
  readonly waits?: readonly { readonly step: string; readonly until?: number; readonly signal?: string }[];
  /** When it goes on by itself. */
  readonly wakesAt?: number;
}

/** `undefined` for a run that does not exist. */
export function viewRun(runId: string, state: RunState): RunView | undefined {
  const { started, parked } = state;
  if (started === undefined) return undefined;
  const failure = state.failure ?? parked?.failure;
  // What a run that is over has left behind, it does not wait for.
  const waiting = isOver(state.status) ? [] : [...state.waits.values()];
  const waits = waiting.map(({ step, untilMs, signal }) => ({
    step,
    ...(untilMs === undefined ? {} : { until: untilMs }),
    ...(signal === undefined || signal.startsWith("$") ? {} : { signal }),
  }));
  return {
    runId,
    definition: started.definition,
    version: started.version,
    status: state.status,
    startedAt: state.startedAt,
    updatedAt: state.lastAt,
    segments: state.segments,
    steps: state.settled.length,
    ...(started.conversationId === undefined ? {} : { conversationId: started.conversationId }),
    ...(started.parent === undefined ? {} : { parentRunId: started.parent.runId }),
    ...(started.forkedFrom === undefined ? {} : { forkedFrom: started.forkedFrom }),
    ...(started.isDry === undefined ? {} : { isDry: started.isDry }),
    executor: started.executor ?? "segments",
    ...(state.output === undefined ? {} : { output: state.output }),
    ...(failure === undefined ? {} : { failure }),
    ...(parked?.step === undefined ? {} : { step: parked.step }),
    ...(waits.length === 0 ? {} : { waits }),
    ...(state.wakesAtMs === undefined ? {} : { wakesAt: state.wakesAtMs }),
  };
}

/** Of all segments that have closed. What a segment spent that died is not known, nor what deliveries cost that found nothing to do. */
export interface RunReceipt extends Required<Omit<Spending, "modelUsd">> {
  readonly runId: string;
  readonly segments: number;
  /** False while a segment is under way whose spending is not known yet. */
  readonly isFinal: boolean;
  readonly money: Money;
}

export function viewReceipt(runId: string, state: RunState): RunReceipt {
  const { modelUsd = 0, inputTokens = 0, outputTokens = 0, ...counts } = state.spent;
  return {
    runId,
    segments: state.segments,
    isFinal: state.holder === undefined,
    ...counts,
    inputTokens,
    outputTokens,
    money: moneyFor({ ...counts, modelUsd }),
  };
}

/** What the run keeps in mind; `undefined` when it has been over for too long. */
export function viewMemory(state: RunState, nowMs: number): Readonly<Record<string, JsonValue>> | undefined {
  if (isOver(state.status) && nowMs - state.lastAt > limits.memoryShownMs) return undefined;
  return Object.fromEntries(state.memory.values);
}

/** The steps that a compensation would undo now, in its order; none once the run is over. */
export function viewCompensation(state: RunState): readonly string[] {
  return isOver(state.status) ? [] : stepsToUndo(state);
}
