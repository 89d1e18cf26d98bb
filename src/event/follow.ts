/**
 * Reads a conversation's events from a cursor on: first what the list holds, then what is published, without a gap and without a double.
 *
 * F1 The subscription is acknowledged before the list is read, so that nothing can fall between the two.
 * F2 Ids only grow: what is not after the last id handed out is dropped.
 * F3 A jump in the sequence, or a takeover, has the list read again before anything is handed out.
 * F4 While nothing happens no command is sent. The subscription's end is noticed; it is then opened anew after a random pause.
 */
import { beforeAllEvents, compareEventIds, type EventId } from "./event-id.ts";
import type { ConversationRef, EventFeed, EventLog } from "./event-log.ts";
import { validRecords, type LogRecord } from "./log-record.ts";
import { parseRunNotice } from "./run-notice.ts";

export interface FollowParts {
  readonly log: EventLog;
  readonly feed: EventFeed;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Ids of the conversation's runs that are not over. Without it the reader is told only of those that begin later. */
  readonly activeRuns?: (ref: ConversationRef) => Promise<readonly string[]>;
}

export type FollowItem =
  | { readonly kind: "record"; readonly record: LogRecord }
  /** The cursor is not in what is retained: the reader must fetch a snapshot and go on from `from`. */
  | { readonly kind: "reset"; readonly from: EventId }
  /** A run belongs to the conversation; the same one may come again. */
  | { readonly kind: "run"; readonly runId: string };

const resubscribePauseMs = 500;
const resubscribesMax = 20;

export async function* follow(
  parts: FollowParts,
  ref: ConversationRef,
  cursor: EventId | "unknown",
  signal: AbortSignal,
): AsyncGenerator<FollowItem, void, undefined> {
  let place: EventId | "unknown" = cursor;
  for (let attempt = 0; attempt <= resubscribesMax && !signal.aborted; attempt += 1) {
    if (attempt > 0) await parts.pause(resubscribePauseMs * (1 + parts.random()), signal).catch(() => undefined);
    if (signal.aborted) return;
    for await (const item of followOnce(parts, ref, place, signal)) {
      if (item.kind === "record") place = item.record.id;
      if (item.kind === "reset") place = item.from;
      yield item;
    }
  }
}

async function* followOnce(
  parts: FollowParts,
  ref: ConversationRef,
  cursor: EventId | "unknown",
  signal: AbortSignal,
): AsyncGenerator<FollowItem, void, undefined> {
  const live = await parts.feed.subscribe(ref, signal);
  let last: LogRecord | undefined;
  let place = beforeAllEvents;

  async function* catchUp(): AsyncGenerator<FollowItem, void, undefined> {
    for (const record of after(await parts.log.read(ref), place)) {
      last = record;
      place = record.id;
      yield { kind: "record", record };
    }
  }

  const [retained, runIds = []] = await Promise.all([parts.log.read(ref), parts.activeRuns?.(ref)]);
  for (const runId of runIds) yield { kind: "run", runId };
  if (cursor === "unknown" || !isRetained(retained, cursor)) {
    place = resetPlace(retained);
    yield { kind: "reset", from: place };
  } else {
    place = cursor;
  }
  last = retained.findLast((record) => compareEventIds(record.id, place) <= 0);
  for (const record of after(retained, place)) {
    last = record;
    place = record.id;
    yield { kind: "record", record };
  }
  for await (const entries of live) {
    for (const runId of entries.flatMap((entry) => parseRunNotice(entry) ?? [])) yield { kind: "run", runId };
    const fresh = after(validRecords(entries), place);
    const first = fresh[0];
    if (first === undefined) continue;
    if (!isNext(last, first)) {
      yield* catchUp();
      continue;
    }
    for (const record of fresh) {
      last = record;
      place = record.id;
      yield { kind: "record", record };
    }
  }
}

function after(records: readonly LogRecord[], place: EventId): LogRecord[] {
  return records.filter((record) => compareEventIds(record.id, place) > 0);
}

/** Nothing can lie between: the next one of a generation, or the opening that follows an ending. */
function isNext(last: LogRecord | undefined, record: LogRecord): boolean {
  if (last === undefined || record.id.generation !== last.id.generation) {
    return record.id.seq === 0 && (last === undefined || last.mark === "e");
  }
  return record.id.seq === last.id.seq + 1;
}

/** Whether everything after the cursor is still there: the cursor's own record is, or the reader starts before all of an untrimmed list. */
function isRetained(records: readonly LogRecord[], cursor: EventId): boolean {
  if (compareEventIds(cursor, beforeAllEvents) === 0) return records[0] === undefined || records[0].id.seq === 0;
  return records.some((record) => compareEventIds(record.id, cursor) === 0);
}

/** Before the turn that runs, so that its text so far is replayed; behind everything when none runs. */
function resetPlace(records: readonly LogRecord[]): EventId {
  const last = records.at(-1);
  if (last === undefined) return beforeAllEvents;
  if (last.mark === "e") return last.id;
  const opening = records.findLastIndex((record) => record.event.type === "workflow-started");
  return records[opening - 1]?.id ?? beforeAllEvents;
}
