/**
 * Reads a run's events from a place on: first what the journal holds, then what is told live, without a gap and without a double.
 *
 * F1 The subscription is acknowledged before the journal is read, so that nothing can fall between the two.
 * F2 Only entries that count become events, and the fold alone decides which do.
 * F3 A jump in what is told has the journal read again before anything is handed out.
 * F4 While nothing happens no command is sent. When the subscription ends, it is opened anew after a random pause.
 * F5 A segment that is silent for longer than its lease is looked after: once per lease the journal is read, and a dead segment is reported.
 * F6 The end of a run is taken from the journal alone, never from the word of the segment that wrote it: it may stand behind an order (R7), and nobody tells of those.
 */
import type { Clock } from "../core/ports.ts";
import { createRunFold, type RunFold } from "./fold-run.ts";
import { isPlaced, parseEntry, type JournalEntry } from "./journal-entry.ts";
import type { Journal, RunRef, Told } from "./journal.ts";
import { runEvent, type RunEvent } from "./run-event.ts";
import { isOver, type RunState } from "./run-state.ts";
import { nothingSpent } from "./spending.ts";

export interface RunFeed {
  /** Like `EventFeed.subscribe`: each item is one batch of entries and the place of its first. */
  subscribe(ref: RunRef, signal: AbortSignal): Promise<AsyncIterable<Told>>;
}

export interface FollowRunParts {
  readonly journal: Pick<Journal, "read">;
  readonly feed: RunFeed;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** F5; nobody looks after the run where it is absent. */
  readonly watch?: RunWatch;
}

export interface RunWatch {
  readonly clock: Clock;
  /** Told of the run's state after a silence that was too long; `reviveIfStranded` knows what to do. Must not reject. */
  readonly onSilence: (ref: RunRef, state: RunState) => Promise<void>;
}

const resubscribePauseMs = 500;
const resubscribesMax = 20;

/** @param after place of the last event that the reader has seen; -1 for none. Ends with the run. */
export async function* followRun(
  parts: FollowRunParts,
  ref: RunRef,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<RunEvent, void, undefined> {
  const cursor = { place: after };
  for (let attempt = 0; attempt <= resubscribesMax && !signal.aborted; attempt += 1) {
    if (attempt > 0) await parts.pause(resubscribePauseMs * (1 + parts.random()), signal).catch(() => undefined);
    if (signal.aborted) return;
    const ended = new AbortController();
    try {
      const isEnd = yield* followOnce(parts, ref, cursor, AbortSignal.any([signal, ended.signal]));
      if (isEnd) return;
    } finally {
      ended.abort();
    }
  }
}

/** @returns whether the run is over; else the subscription is. */
async function* followOnce(
  parts: FollowRunParts,
  ref: RunRef,
  cursor: { place: number },
  signal: AbortSignal,
): AsyncGenerator<RunEvent, boolean, undefined> {
  const live = (await parts.feed.subscribe(ref, signal))[Symbol.asyncIterator]();
  let lookedAt = parts.watch?.clock.now() ?? 0;
  let fold = createRunFold();
  /** Absent when the journal has to be read. */
  let entries: readonly string[] | undefined;
  let pending: Promise<IteratorResult<Told>> | undefined;
  let isSilent = false;
  for (;;) {
    if (entries === undefined) {
      fold = createRunFold();
      entries = await parts.journal.read(ref, 0);
    }
    for (const event of eventsOf(fold, entries)) {
      if (event.place <= cursor.place) continue;
      cursor.place = event.place;
      yield event;
    }
    if (isOver(fold.state.status)) return true;
    if (isSilent) await parts.watch?.onSilence(ref, fold.state);
    pending ??= live.next();
    const heard = await within(parts, pending, patienceMs(parts.watch, fold.state, lookedAt));
    isSilent = heard === "silence";
    entries = undefined;
    if (heard === "silence") {
      lookedAt = parts.watch?.clock.now() ?? 0;
      continue;
    }
    pending = undefined;
    if (heard.done === true) return false;
    const { places } = fold.state;
    if (heard.value.from <= places && !mayBeHeldBack(heard.value))
      entries = heard.value.entries.slice(places - heard.value.from);
  }
}

/** F6. The end is the last that a segment writes. */
function mayBeHeldBack({ entries }: Told): boolean {
  const last = parseEntry(entries.at(-1) ?? "");
  return last !== undefined && endsRun(last);
}

function endsRun({ record }: JournalEntry): boolean {
  return record.type === "completed" || record.type === "ended";
}

/** How long nothing may be heard of a run before it is looked at. Its holder may be known to be dead already; then the next one gets as long. */
function patienceMs(watch: RunWatch | undefined, { holder }: RunState, lookedAt: number): number {
  if (watch === undefined || holder === undefined) return Infinity;
  const lookFrom = holder.lastAt + holder.leaseMs > lookedAt ? holder.lastAt : lookedAt;
  return Math.max(1, lookFrom + holder.leaseMs + 1 - watch.clock.now());
}

async function within<T>(parts: FollowRunParts, work: Promise<T>, ms: number): Promise<T | "silence"> {
  if (ms === Infinity) return work;
  const timer = new AbortController();
  const silence = parts.pause(ms, timer.signal).then(() => "silence" as const);
  silence.catch(() => undefined);
  return Promise.race([work, silence]).finally(() => timer.abort());
}

/** The events of a whole journal. */
export function runEvents(entries: readonly string[]): RunEvent[] {
  return [...eventsOf(createRunFold(), entries)];
}

const pausedRecord = { type: "yielded", reason: "paused", spent: nothingSpent } as const;

function* eventsOf(fold: RunFold, entries: readonly string[]): Generator<RunEvent, void, undefined> {
  for (const text of entries) {
    const { places } = fold.state;
    const entry = parseEntry(text);
    if (!fold.apply(text) || entry === undefined || !isPlaced(entry)) continue;
    // R7: to readers it is what a pause is.
    const isHeldBack = endsRun(entry) && !isOver(fold.state.status);
    const event = runEvent(places, isHeldBack ? { ...entry, record: pausedRecord } : entry);
    if (event !== undefined) yield event;
  }
}
