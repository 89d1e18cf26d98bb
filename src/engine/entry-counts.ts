/** Which entries of a journal count: R1, R2, R3 and R5 of `fold-run.ts`. */
import { limits } from "../core/limits.ts";
import { outside } from "./journal-entry.ts";
import type { Delivery, JournalEntry, JournalRecord } from "./journal-entry.ts";
import type { RunDraft } from "./run-draft.ts";
import { isOver, isOwnSignal, isRunOut } from "./run-state.ts";

export function entryCounts(draft: RunDraft, entry: JournalEntry): boolean {
  const { record } = entry;
  if (record.type === "started") return draft.started === undefined;
  if (record.type === "snapshot") return draft.length === 1;
  if (draft.started === undefined) return false;
  if (entry.writer === outside) return countsFromOutside(draft, record);
  if (record.type === "opened") return entry.seq === 0 && mayOpen(draft, entry, record);
  return draft.holder?.segment === entry.writer && entry.seq === draft.nextSeq;
}

function countsFromOutside(draft: RunDraft, record: JournalRecord): boolean {
  // What was undone cannot be retried: the steps that it stands on are gone.
  if (record.type === "retry") return draft.status === "parked" || (draft.status === "failed" && !draft.undoing);
  if (isOver(draft.status)) return false;
  return record.type !== "signal" || (!draft.signalIds.has(record.id) && hasRoomFor(draft, record.name));
}

/** What the run has sent for itself, it awaits: there is always room for it. */
function hasRoomFor({ signals }: RunDraft, name: string): boolean {
  return isOwnSignal(name) || signals.length < limits.signalsKeptMax;
}

function mayOpen(draft: RunDraft, entry: JournalEntry, opened: Extract<JournalRecord, { type: "opened" }>): boolean {
  if (isOver(draft.status) || draft.status === "parked" || draft.status === "paused") return false;
  if (opened.after !== undefined && opened.after !== draft.segments) return isRedelivery(draft, opened.delivery);
  return draft.holder === undefined || isRunOut(draft.holder, entry.at) || isRedelivery(draft, opened.delivery);
}

function isRedelivery({ holder }: RunDraft, delivery: Delivery | undefined): boolean {
  const held = holder?.delivery;
  if (delivery === undefined || held === undefined) return false;
  return delivery.messageId === held.messageId && delivery.retried > held.retried;
}
