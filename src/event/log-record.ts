/**
 * One entry of a conversation's event list, as text: `<generation> <seq> <mark> <at> <json>`.
 *
 * The header stands outside the JSON so that the atomic scripts can judge an entry without parsing it.
 *
 * R1 The list's order is the truth. A generation is allocated atomically by the script that opens it, greater than every one before.
 * R2 A record behind a record of a greater generation has no effect: its writer was superseded. Every reader drops it.
 * R3 Within a generation the records are 0, 1, 2, …; the same one twice (a flush whose answer was lost) counts once.
 * R4 A list with no record, or whose last valid record is an ending, belongs to nobody; otherwise to the writer of its last generation.
 */
import { parseJson } from "../core/json.ts";
import { compareEventIds, type EventId } from "./event-id.ts";
import { isEnding, isOpening, isTurnEvent, type TurnEvent } from "./turn-event.ts";

export type Mark = "o" | "e" | "-";

export interface LogRecord {
  readonly id: EventId;
  readonly mark: Mark;
  /** Unix ms at which the writer made it. */
  readonly at: number;
  readonly event: TurnEvent;
}

export function markOf(event: TurnEvent): Mark {
  if (isOpening(event)) return "o";
  return isEnding(event) ? "e" : "-";
}

export function formatRecord(id: EventId, mark: Mark, at: number, eventJson: string): string {
  return `${id.generation} ${id.seq} ${mark} ${at} ${eventJson}`;
}

/** The record, or `undefined` for an entry that this version does not understand (it is skipped, never guessed). */
export function parseRecord(text: string): LogRecord | undefined {
  const match = /^(\d+) (\d+) ([oe-]) (\d+) /.exec(text);
  if (match === null) return undefined;
  const event = parseJson(text.slice(match[0].length));
  if (!isTurnEvent(event)) return undefined;
  return {
    id: { generation: Number(match[1]), seq: Number(match[2]) },
    mark: match[3] as Mark,
    at: Number(match[4]),
    event,
  };
}

/** Applies R2 and R3 to entries in list order. */
export function validRecords(entries: readonly string[]): LogRecord[] {
  const valid: LogRecord[] = [];
  for (const entry of entries) {
    const record = parseRecord(entry);
    if (record === undefined) continue;
    const last = valid.at(-1);
    if (last !== undefined && compareEventIds(record.id, last.id) <= 0) continue;
    valid.push(record);
  }
  return valid;
}
