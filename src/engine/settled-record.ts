import type { JsonValue } from "../core/json.ts";
import type { TurnEnd } from "./interpreter.ts";
import type { JournalRecord } from "./journal-entry.ts";
import type { Outcome } from "./step-order.ts";

/** What the journal notes of a step beside its outcome. */
export interface Settling extends Partial<TurnEnd> {
  readonly isUndoable?: true;
  readonly signalId?: string;
  /** Other steps that the code awaits. */
  readonly beside?: number;
}

export function settledRecord(
  step: string,
  outcome: Outcome,
  { beside, ...more }: Settling,
): Extract<JournalRecord, { type: "done" | "failed" }> {
  const among = beside === undefined ? {} : { beside };
  return outcome.kind === "failed"
    ? { type: "failed", step, failure: outcome.failure, ...among }
    : { type: "done", step, ...valueOf(outcome.value), ...among, ...more };
}

function valueOf(value: JsonValue | undefined): { value?: JsonValue } {
  return value === undefined ? {} : { value };
}
