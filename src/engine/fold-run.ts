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
 */
import { limits } from "../core/limits.ts";
import { isPlaced, outside, parseEntry } from "./journal-entry.ts";
import type { Delivery, JournalEntry, JournalRecord, Spending } from "./journal-entry.ts";
import { isOver, isRunOut, settledStep } from "./run-state.ts";
import type { Attempts, RunState, RunStatus, SettledStep, Signal, Wait } from "./run-state.ts";
import { addSpending, nothingSpent } from "./spending.ts";
import { applyMemoryChange, emptyWorkingMemory, forgetScopes, memoryFrom } from "./working-memory.ts";

/** What the fold writes to. */
type Draft = { -readonly [Field in keyof RunState]: RunState[Field] } & {
  settled: SettledStep[];
  attempts: Map<string, Attempts>;
  waits: Map<string, Wait>;
  signals: Signal[];
  signalIds: Set<string>;
};

export interface RunFold {
  readonly state: RunState;
  /** False when the entry does not count, or cannot be read. */
  apply(text: string): boolean;
  /** The same for an entry that was just written. */
  applyEntry(entry: JournalEntry, bytes: number): boolean;
}

export function foldRun(entries: readonly string[]): RunFold {
  const fold = createRunFold();
  for (const entry of entries) fold.apply(entry);
  return fold;
}

export function createRunFold(): RunFold {
  const state: Draft = {
    started: undefined,
    startedAt: 0,
    length: 0,
    places: 0,
    bytes: 0,
    emitted: 0,
    memory: emptyWorkingMemory,
    lastAt: 0,
    status: "running",
    segments: 0,
    holder: undefined,
    settled: [],
    attempts: new Map(),
    waits: new Map(),
    signals: [],
    signalIds: new Set(),
    cancellation: undefined,
    isPauseWanted: false,
    undoing: undefined,
    parked: undefined,
    output: undefined,
    failure: undefined,
    wakesAtMs: undefined,
    deathsInARow: 0,
    diedAfterSteps: undefined,
    spent: nothingSpent,
  };
  const settledSteps = new Set<string>();
  let nextSeq = 0;
  /** The step whose failure ended the run. */
  let fatalStep: string | undefined;

  function apply(text: string): boolean {
    const entry = parseEntry(text);
    if (entry !== undefined) return applyEntry(entry, text.length);
    state.length += 1;
    return false;
  }

  function applyEntry(entry: JournalEntry, bytes: number): boolean {
    state.length += 1;
    state.bytes += bytes;
    if (!counts(entry)) return false;
    state.lastAt = Math.max(state.lastAt, entry.at);
    if (isPlaced(entry)) state.places += 1;
    if (entry.writer !== outside) touchLease(entry);
    take(entry.record, entry);
    return true;
  }

  function counts(entry: JournalEntry): boolean {
    const { record } = entry;
    if (record.type === "started") return state.started === undefined;
    if (state.started === undefined) return false;
    if (entry.writer === outside) return countsFromOutside(record);
    if (record.type === "opened") return entry.seq === 0 && mayOpen(entry, record);
    return state.holder?.segment === entry.writer && entry.seq === nextSeq;
  }

  function countsFromOutside(record: JournalRecord): boolean {
    // What was undone cannot be retried: the steps that it stands on are gone.
    if (record.type === "retry") return state.status === "parked" || (state.status === "failed" && !state.undoing);
    if (isOver(state.status)) return false;
    return (
      record.type !== "signal" || (!state.signalIds.has(record.id) && state.signals.length < limits.signalsKeptMax)
    );
  }

  function mayOpen(entry: JournalEntry, opened: Extract<JournalRecord, { type: "opened" }>): boolean {
    if (isOver(state.status) || state.status === "parked" || state.status === "paused") return false;
    if (opened.after !== undefined && opened.after !== state.segments) return isRedelivery(opened.delivery);
    return state.holder === undefined || isRunOut(state.holder, entry.at) || isRedelivery(opened.delivery);
  }

  function isRedelivery(delivery: Delivery | undefined): boolean {
    const held = state.holder?.delivery;
    if (delivery === undefined || held === undefined) return false;
    return delivery.messageId === held.messageId && delivery.retried > held.retried;
  }

  function touchLease(entry: JournalEntry): void {
    nextSeq = entry.seq + 1;
    if (state.holder !== undefined) state.holder = { ...state.holder, lastAt: Math.max(state.holder.lastAt, entry.at) };
  }

  function take(record: JournalRecord, entry: JournalEntry): void {
    switch (record.type) {
      case "started":
        state.started = record;
        state.startedAt = entry.at;
        return;
      case "opened":
        return open(record, entry);
      case "done":
        return settle(record, entry, { kind: "done", value: record.value });
      case "failed":
        return settle(record, entry, { kind: "failed", failure: record.failure });
      case "attempted":
        state.attempts.set(record.step, { count: record.attempt, failure: record.failure, nextAtMs: record.nextAtMs });
        return;
      case "waiting":
        state.waits.set(record.step, { step: record.step, untilMs: record.untilMs, signal: record.signal });
        return;
      case "event":
        state.emitted += 1;
        return;
      case "memory":
        state.memory = applyMemoryChange(state.memory, record);
        return;
      case "undoing":
        state.undoing = { ...record, forwardSteps: state.settled.length };
        state.status = "compensating";
        return;
      case "yielded":
        if (record.reason === "paused") state.status = "paused";
        return release(record.spent);
      case "suspended":
        if (state.undoing === undefined) state.status = "waiting";
        state.wakesAtMs = record.untilMs;
        return release(record.spent);
      case "parked":
        state.status = "parked";
        state.parked = record;
        return release(record.spent);
      case "completed":
        state.output = record.output;
        return end("completed", record.spent);
      case "ended":
        state.failure = record.failure;
        fatalStep = record.step;
        return end(record.status, record.spent);
      case "signal":
        state.signalIds.add(record.id);
        state.signals.push({ id: record.id, name: record.name, payload: record.payload, at: entry.at });
        return;
      default:
        return takeOrder(record);
    }
  }

  /** What a person asks for. */
  function takeOrder(record: JournalRecord): void {
    switch (record.type) {
      case "cancel":
        state.cancellation ??= { reason: record.reason, isUndoing: record.isUndoing };
        if (state.status === "paused" || state.status === "parked") goOn();
        return;
      case "pause":
        // While nobody has the lease nobody would notice: the run is paused at once.
        if (state.holder === undefined && state.status !== "parked") state.status = "paused";
        else state.isPauseWanted = true;
        return;
      case "resume":
        if (state.status === "paused" || state.status === "parked") goOn();
        state.isPauseWanted = false;
        return;
      case "retry":
        return retry();
      case "compensate":
        state.cancellation ??= { reason: "compensation was asked for", isUndoing: true };
        if (state.status === "parked") retry();
        return;
      default:
        return;
    }
  }

  function open(record: Extract<JournalRecord, { type: "opened" }>, entry: JournalEntry): void {
    const dead = state.holder;
    state.diedAfterSteps = dead?.settledSteps;
    if (dead === undefined) state.deathsInARow = 0;
    else state.deathsInARow = dead.settledSteps === 0 ? state.deathsInARow + 1 : 0;
    state.segments += 1;
    state.holder = {
      segment: entry.writer,
      openedAt: entry.at,
      lastAt: entry.at,
      leaseMs: record.leaseMs,
      delivery: record.delivery,
      settledSteps: 0,
    };
    nextSeq = 1;
    state.wakesAtMs = undefined;
    state.status = state.undoing === undefined ? "running" : "compensating";
  }

  function settle(
    record: Extract<JournalRecord, { type: "done" | "failed" }>,
    entry: JournalEntry,
    outcome: SettledStep["outcome"],
  ): void {
    if (settledSteps.has(record.step)) return;
    settledSteps.add(record.step);
    state.waits.delete(record.step);
    state.attempts.delete(record.step);
    if (state.holder !== undefined) {
      state.holder = { ...state.holder, settledSteps: state.holder.settledSteps + 1 };
    }
    if (record.type === "done" && record.memory !== undefined) state.memory = memoryFrom(record.memory);
    state.settled.push(settledStep(record, entry.at, { outcome, memory: state.memory }));
    if (record.type === "failed") return;
    if (record.closes !== undefined) forget(record.closes, record.step);
    if (record.signalId !== undefined) {
      state.signals = state.signals.filter((signal) => signal.id !== record.signalId);
    }
  }

  /** What stands in a turn that is over is of no use any more, and neither is the turn before it. */
  function forget(prefix: string, except: string): void {
    state.memory = forgetScopes(state.memory, prefix);
    state.settled = state.settled.filter(({ step }) => {
      if (step === except || !step.startsWith(prefix)) return true;
      settledSteps.delete(step);
      return false;
    });
  }

  /** A pause that came too late for the segment to notice holds from here on. */
  function release(spent: Spending): void {
    state.holder = undefined;
    if (state.isPauseWanted && state.status !== "parked") state.status = "paused";
    state.isPauseWanted = false;
    state.spent = addSpending(state.spent, spent);
  }

  function end(status: RunStatus, spent: Spending): void {
    release(spent);
    state.status = status;
  }

  function goOn(): void {
    state.parked = undefined;
    state.deathsInARow = 0;
    state.status = state.undoing === undefined ? "running" : "compensating";
  }

  /** The step whose failure stopped the run is tried again, with all its attempts. */
  function retry(): void {
    const step = state.parked?.step ?? fatalStep;
    if (step !== undefined) {
      settledSteps.delete(step);
      state.attempts.delete(step);
      state.settled = state.settled.filter((settled) => settled.step !== step || settled.outcome.kind === "done");
    }
    fatalStep = undefined;
    state.failure = undefined;
    goOn();
  }

  return { state, apply, applyEntry };
}
