/**
 * What a run's readers are told: its journal, without what is only the engine's business. `docs/protocol.md` documents the payloads for clients.
 */
import type { JsonValue } from "../core/json.ts";
import type { Failure, JournalEntry, JournalRecord } from "./journal-entry.ts";
import { undoPrefix } from "./undo-steps.ts";

export interface RunEvent {
  /** Its place among the run's events, from 0; those that nobody is told of are counted too. */
  readonly place: number;
  readonly type: string;
  readonly data: Readonly<Record<string, JsonValue | Failure | undefined>>;
}

/** The event for an entry that counts; `undefined` for one that readers need not know of. */
export function runEvent(place: number, { at, record }: JournalEntry): RunEvent | undefined {
  const projected = project(record);
  if (projected === undefined) return undefined;
  const [type, data] = projected;
  return { place, type, data: { type, at, ...data } };
}

/** The code of a run may emit events of any other name. */
export function isEventName(name: string): boolean {
  return /^[a-z][a-z0-9-]{0,63}$/.test(name) && !/^(workflow|segment|step|compensation|loop)-/.test(name);
}

/** Whether nothing comes after it but what a retry brings. */
export function isLastEvent({ type }: RunEvent): boolean {
  return type === "workflow-completed" || type === "workflow-failed" || type === "workflow-cancelled";
}

function project(record: JournalRecord): [string, RunEvent["data"]] | undefined {
  switch (record.type) {
    case "started":
      return ["workflow-started", { definition: record.definition, version: record.version }];
    case "opened":
      return ["segment-started", {}];
    case "done":
      if (record.closes !== undefined) return ["loop-turned", { step: record.step }];
      return record.step.startsWith(undoPrefix)
        ? ["step-compensated", { step: record.step.slice(undoPrefix.length) }]
        : ["step-completed", { step: record.step, result: record.value }];
    case "failed":
      return ["step-failed", { step: record.step, failure: record.failure }];
    case "attempted":
      return [
        "step-retrying",
        { step: record.step, attempt: record.attempt, failure: record.failure, nextAt: record.nextAtMs },
      ];
    case "waiting":
      return ["step-waiting", { step: record.step, until: record.untilMs, signal: record.signal }];
    case "event":
      return [record.name, { payload: record.payload }];
    case "undoing":
      return ["compensation-started", { failure: record.failure }];
    case "yielded":
      return ["segment-yielded", { reason: record.reason }];
    case "suspended":
      return ["segment-suspended", { until: record.untilMs }];
    case "parked":
      return ["workflow-parked", { failure: record.failure, step: record.step }];
    case "completed":
      return ["workflow-completed", { output: record.output }];
    case "ended":
      return [`workflow-${record.status}`, { failure: record.failure, step: record.step }];
    default:
      return undefined;
  }
}
