/**
 * Folds a journal into the state of its run. Every reader folds the same entries in the same order and so comes to the same state; nothing
 * about a run is true that is not in its journal.
 *
 * R1 An opening counts when nobody has the lease: it was given back, it ran out, or the queue delivers again the very message whose
 *    segment has it (then that segment is known to be dead). An opening that names the segment it follows counts only right after it.
 * R2 What a segment writes counts while it has the lease: from its opening until it gives the lease back or another opening counts.
 *    Every entry renews the lease.
 * R3 Within a segment entries are counted from 0; the same one twice counts once.
 * R4 The first outcome of a step counts. A retry takes back the failure that ended the run, and nothing else.
 * R5 After the end nothing counts but a retry.
 * R6 A snapshot at the beginning of a volume folds to the state that the entries had which it stands for; a reader cannot tell the difference.
 * R7 What ends a run behind an order that its segment had not heard of, only gives back the lease: nothing completes behind a cancellation or a pause
 *    that was accepted, and nothing fails behind a pause. Whoever goes on with the run sees to the order.
 */
import { limits } from "../core/limits.ts";
import { entryCounts } from "./entry-counts.ts";
import { isPlaced, outside, parseEntry } from "./journal-entry.ts";
import type { JournalEntry, JournalRecord, SnapshotRecord, Spending } from "./journal-entry.ts";
import { newDraft, type RunDraft } from "./run-draft.ts";
import { restore, snapshotOf } from "./run-snapshot.ts";
import { isHeldBack, settledStep } from "./run-state.ts";
import type { RunState, RunStatus, SettledStep } from "./run-state.ts";
import { addSpending } from "./spending.ts";
import { takeOrder } from "./take-order.ts";
import { applyMemoryChange, forgetScopes, memoryFrom } from "./working-memory.ts";

export interface RunFold {
  readonly state: RunState;
  /** False when the entry does not count, or cannot be read. */
  apply(text: string): boolean;
  /** The same for an entry that was just written. */
  applyEntry(entry: JournalEntry, bytes: number): boolean;
  /** What stands for everything so far. */
  snapshot(): SnapshotRecord;
}

export function foldRun(entries: readonly string[]): RunFold {
  const fold = createRunFold();
  for (const entry of entries) fold.apply(entry);
  return fold;
}

export function createRunFold(): RunFold {
  const draft = newDraft();

  function applyEntry(entry: JournalEntry, bytes: number): boolean {
    draft.length += 1;
    draft.bytes += bytes;
    if (!entryCounts(draft, entry)) return false;
    draft.lastAt = Math.max(draft.lastAt, entry.at);
    if (isPlaced(entry)) draft.places += 1;
    if (entry.writer !== outside) touchLease(draft, entry);
    take(draft, entry.record, entry);
    return true;
  }

  return {
    state: draft,
    apply(text) {
      const entry = parseEntry(text);
      if (entry !== undefined) return applyEntry(entry, text.length);
      draft.length += 1;
      draft.bytes += text.length;
      return false;
    },
    applyEntry,
    snapshot: () => snapshotOf(draft),
  };
}

function touchLease(draft: RunDraft, { seq, at, record }: JournalEntry): void {
  draft.nextSeq = seq + 1;
  if (draft.holder === undefined) return;
  const { lastAt, hasProgress } = draft.holder;
  draft.holder = {
    ...draft.holder,
    lastAt: Math.max(lastAt, at),
    hasProgress: hasProgress || progress.has(record.type),
  };
}

/** What brings a run further, if only to its next attempt. */
const progress: ReadonlySet<JournalRecord["type"]> = new Set([
  "done",
  "failed",
  "attempted",
  "waiting",
  "event",
  "undoing",
]);

function take(draft: RunDraft, record: JournalRecord, entry: JournalEntry): void {
  switch (record.type) {
    case "started":
      draft.started = record;
      draft.startedAt = entry.at;
      draft.emitted = record.origin?.emitted ?? 0;
      return;
    case "snapshot":
      return restore(draft, record);
    case "opened":
      return open(draft, record, entry);
    case "done":
      return settle(draft, record, entry, { kind: "done", value: record.value });
    case "failed":
      return settle(draft, record, entry, { kind: "failed", failure: record.failure });
    case "attempted":
      draft.attempts.set(record.step, { count: record.attempt, failure: record.failure, nextAtMs: record.nextAtMs });
      return;
    case "waiting":
      draft.waits.set(record.step, { step: record.step, untilMs: record.untilMs, signal: record.signal });
      return;
    case "event":
      draft.emitted += 1;
      return;
    case "memory":
      draft.memory = applyMemoryChange(draft.memory, record);
      return;
    case "beat":
      return;
    case "undoing":
      draft.undoing = { ...record, forwardSteps: draft.settled.length };
      draft.status = "compensating";
      return;
    case "yielded":
      if (record.reason === "paused") draft.isUncertain = false;
      return release(draft, record.spent);
    case "suspended":
      if (draft.undoing === undefined) draft.status = "waiting";
      draft.wakesAtMs = record.untilMs;
      draft.isUncertain = false;
      return release(draft, record.spent);
    case "parked":
      draft.status = "parked";
      draft.parked = record;
      return release(draft, record.spent);
    case "completed":
      if (isHeldBack(draft, "completed")) return holdBack(draft, record.spent);
      draft.output = record.output;
      return end(draft, "completed", record.spent);
    case "ended":
      if (isHeldBack(draft, record.status)) return holdBack(draft, record.spent);
      draft.failure = record.failure;
      draft.fatalStep = record.step;
      return end(draft, record.status, record.spent);
    case "signal":
      draft.signals.push({ id: record.id, name: record.name, payload: record.payload, at: entry.at });
      return remember(draft, record.id);
    default:
      return takeOrder(draft, record);
  }
}

function open(draft: RunDraft, record: Extract<JournalRecord, { type: "opened" }>, entry: JournalEntry): void {
  const dead = draft.holder;
  draft.diedAfterSteps = dead?.settledSteps;
  if (dead !== undefined) draft.isUncertain = true;
  if (dead === undefined) draft.deathsInARow = 0;
  else draft.deathsInARow = dead.settledSteps === 0 ? draft.deathsInARow + 1 : 0;
  draft.segments += 1;
  draft.holder = {
    segment: entry.writer,
    openedAt: entry.at,
    lastAt: entry.at,
    leaseMs: record.leaseMs,
    delivery: record.delivery,
    settledSteps: 0,
    hasProgress: false,
  };
  draft.nextSeq = 1;
  draft.wakesAtMs = undefined;
  draft.status = draft.undoing === undefined ? "running" : "compensating";
}

function settle(
  draft: RunDraft,
  record: Extract<JournalRecord, { type: "done" | "failed" }>,
  entry: JournalEntry,
  outcome: SettledStep["outcome"],
): void {
  if (draft.settledSteps.has(record.step)) return;
  draft.settledSteps.add(record.step);
  draft.waits.delete(record.step);
  draft.attempts.delete(record.step);
  if (draft.holder !== undefined) draft.holder = { ...draft.holder, settledSteps: draft.holder.settledSteps + 1 };
  if (record.type === "done" && record.memory !== undefined) draft.memory = memoryFrom(record.memory);
  draft.settled.push(settledStep(record, entry.at, { outcome, emitted: draft.emitted, memory: draft.memory }));
  if (record.type === "failed") return;
  if (record.closes !== undefined) forget(draft, record.closes, record.step);
  if (record.signalId !== undefined) {
    draft.signals = draft.signals.filter((signal) => signal.id !== record.signalId);
  }
}

/** Signals that come twice come soon after each other; a run that lives for long does not remember all of them. */
function remember(draft: RunDraft, signalId: string): void {
  draft.signalIds.add(signalId);
  if (draft.signalIds.size <= limits.signalIdsKeptMax) return;
  const [oldest] = draft.signalIds;
  if (oldest !== undefined) draft.signalIds.delete(oldest);
}

/** What follows `loop[` in the name of a turn, and of a step in one. */
const restOfTurn = /^\d+\](?:\/|$)/;

/** What stands in a turn that is over is of no use any more, and neither is the turn before it. */
function forget(draft: RunDraft, prefix: string, except: string): void {
  draft.memory = forgetScopes(draft.memory, prefix);
  draft.settled = draft.settled.filter(({ step }) => {
    if (step === except || !step.startsWith(prefix) || !restOfTurn.test(step.slice(prefix.length))) return true;
    draft.settledSteps.delete(step);
    return false;
  });
}

/** A pause holds from here on, unless it was taken back meanwhile. */
function release(draft: RunDraft, spent: Spending): void {
  draft.idleSegments = draft.holder?.hasProgress === true ? 0 : draft.idleSegments + 1;
  draft.holder = undefined;
  if (draft.isPauseWanted && draft.status !== "parked") draft.status = "paused";
  draft.isPauseWanted = false;
  draft.spent = addSpending(draft.spent, spent);
}

/** R7. What the segment had begun, it has seen to its end. */
function holdBack(draft: RunDraft, spent: Spending): void {
  draft.isUncertain = false;
  release(draft, spent);
}

function end(draft: RunDraft, status: RunStatus, spent: Spending): void {
  release(draft, spent);
  draft.status = status;
}
