/**
 * One entry of a run's journal, as text: `<writer> <seq> <at> <type> <json>`.
 *
 * The header stands outside the JSON so that an entry can be judged, and its JSON encrypted, without being parsed.
 *
 * J1 The list's order is the truth. `run-state.ts` says which entries count.
 * J2 A segment writes under an id of its own and counts its entries from 0: the same entry twice (a flush whose answer was lost)
 *    counts once. What comes from outside is written under `-`.
 */
import type { JsonValue } from "../core/json.ts";
import type { MemoryChange, MemorySnapshot } from "./working-memory.ts";

/** Why a step, or a run, failed. What a person reads; never a stack. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** Set where the thrown value carried a stable code. */
  readonly code?: string;
}

/** What a segment cost, counted where calls leave. */
export interface Spending {
  readonly commands: number;
  readonly roundTrips: number;
  readonly messages: number;
  readonly subrequests: number;
  readonly wallMs: number;
  /** Of the model; absent where it was not asked. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly modelUsd?: number;
}

export interface RunOrigin {
  /** The run whose chance the code is given. */
  readonly runId: string;
  readonly startedAtMs: number;
  /** Events that were emitted before; they are not emitted again. */
  readonly emitted: number;
}

export interface ParentStep {
  readonly runId: string;
  readonly step: string;
}

export interface Delivery {
  /** Id of the queue's message. */
  readonly messageId: string;
  /** Failed deliveries of that message before this one. */
  readonly retried: number;
}

export type StopReason = "wall-time" | "steps" | "subrequests" | "cpu" | "journal-bytes";

/** What a segment writes while it has the lease. */
export type SegmentRecord =
  | { readonly type: "opened"; readonly leaseMs: number; readonly delivery?: Delivery; readonly after?: number }
  | {
      readonly type: "done";
      readonly step: string;
      readonly value?: JsonValue;
      /** Steps that were under way beside it; none when absent. Replay needs it, see `step-order.ts`. */
      readonly beside?: number;
      readonly isUndoable?: true;
      /** The signal that it took. */
      readonly signalId?: string;
      /** A loop's turn is over: what begins so is of no use any more. */
      readonly closes?: string;
      /** Events that the loop's turns have emitted so far. */
      readonly emitted?: number;
      /** Working memory by then, where the changes that led to it are not in this journal. */
      readonly memory?: MemorySnapshot;
    }
  | { readonly type: "failed"; readonly step: string; readonly failure: Failure; readonly beside?: number }
  | {
      readonly type: "attempted";
      readonly step: string;
      readonly attempt: number;
      readonly failure: Failure;
      readonly nextAtMs: number;
    }
  | { readonly type: "waiting"; readonly step: string; readonly untilMs?: number; readonly signal?: string }
  | { readonly type: "event"; readonly name: string; readonly payload: JsonValue }
  | ({ readonly type: "memory" } & MemoryChange)
  | { readonly type: "beat" }
  | {
      readonly type: "undoing";
      readonly status: "failed" | "cancelled";
      readonly failure: Failure;
      readonly step?: string;
    }
  | { readonly type: "yielded"; readonly reason: StopReason | "paused"; readonly spent: Spending }
  | { readonly type: "suspended"; readonly untilMs?: number; readonly spent: Spending }
  | { readonly type: "parked"; readonly failure: Failure; readonly step?: string; readonly spent: Spending }
  | { readonly type: "completed"; readonly output?: JsonValue; readonly spent: Spending }
  | {
      readonly type: "ended";
      readonly status: "failed" | "cancelled";
      readonly failure: Failure;
      /** The step whose failure it was. */
      readonly step?: string;
      readonly spent: Spending;
    };

/** What others write, whether or not a segment has the lease. */
export type OutsideRecord =
  | {
      readonly type: "started";
      readonly definition: string;
      readonly version: number;
      readonly input?: JsonValue;
      readonly conversationId?: string;
      readonly parent?: ParentStep;
      /** Parents above it. */
      readonly depth?: number;
      readonly forkedFrom?: { readonly runId: string; readonly steps: number };
      /** Of a fork: where what it has taken over comes from, so that its code takes the same path. */
      readonly origin?: RunOrigin;
      /** Steps that write are not run; see `StepOptions.effect`. */
      readonly isDry?: true;
      /** Who carries the run from segment to segment; the queue without it. */
      readonly executor?: "workflow";
    }
  | {
      /** Stands for the entries before it, from the first on; the first of its volume. */
      readonly type: "snapshot";
      readonly volume: number;
      /** See `run-snapshot.ts`. */
      readonly state: JsonValue;
    }
  | { readonly type: "signal"; readonly id: string; readonly name: string; readonly payload?: JsonValue }
  | { readonly type: "cancel"; readonly reason: string; readonly isUndoing: boolean }
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  | { readonly type: "retry" }
  | { readonly type: "compensate" };

export type SnapshotRecord = Extract<OutsideRecord, { type: "snapshot" }>;

export type JournalRecord = SegmentRecord | OutsideRecord;

export interface JournalEntry {
  /** Id of the segment, or `-`. */
  readonly writer: string;
  readonly seq: number;
  /** Unix ms at which the writer made it. */
  readonly at: number;
  readonly record: JournalRecord;
}

/** The writer of what comes from outside. */
export const outside = "-";

export function formatEntry({ writer, seq, at, record }: JournalEntry): string {
  const { type, ...rest } = record;
  return `${writer} ${seq} ${at} ${type} ${JSON.stringify(rest)}`;
}

const recordTypes: ReadonlySet<string> = new Set([
  "opened",
  "done",
  "failed",
  "attempted",
  "waiting",
  "event",
  "memory",
  "beat",
  "undoing",
  "yielded",
  "suspended",
  "parked",
  "completed",
  "ended",
  "started",
  "snapshot",
  "signal",
  "cancel",
  "pause",
  "resume",
  "retry",
  "compensate",
] satisfies JournalRecord["type"][]);

/** The entry, or `undefined` for one that this version does not understand: it is skipped, never guessed. */
export function parseEntry(text: string): JournalEntry | undefined {
  const writerEnd = text.indexOf(" ");
  const seqEnd = text.indexOf(" ", writerEnd + 1);
  const atEnd = text.indexOf(" ", seqEnd + 1);
  const typeEnd = text.indexOf(" ", atEnd + 1);
  if (writerEnd < 1 || seqEnd < 0 || atEnd < 0 || typeEnd < 0) return undefined;
  const seq = Number(text.slice(writerEnd + 1, seqEnd));
  const at = Number(text.slice(seqEnd + 1, atEnd));
  const type = text.slice(atEnd + 1, typeEnd);
  const rest = parseObject(text.slice(typeEnd + 1));
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(at) || !recordTypes.has(type) || rest === undefined) {
    return undefined;
  }
  return { writer: text.slice(0, writerEnd), seq, at, record: { type, ...rest } as JournalRecord };
}

/** We wrote it ourselves, so what JSON is an object of ours. */
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the entry, if it counts, has a place among the events: what others ask for shows in what segments do about it. */
export function isPlaced({ writer, record }: JournalEntry): boolean {
  return writer !== outside || record.type === "started";
}
