/**
 * Reads a run's events from a place on: first what the journal holds, then what is told live, without a gap and without a double.
 *
 * F1 The subscription is acknowledged before the journal is read, so that nothing can fall between the two.
 * F2 Only entries that count become events, and the fold alone decides which do.
 * F3 A jump in what is told has the journal read again before anything is handed out.
 * F4 While nothing happens no command is sent. When the subscription ends, it is opened anew after a random pause.
 */
import { createRunFold, isPlaced, type RunFold } from "./fold-run.ts";
import { parseEntry } from "./journal-entry.ts";
import type { Journal, RunRef, Told } from "./journal.ts";
import { isLastEvent, runEvent, type RunEvent } from "./run-event.ts";

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
  let place = after;
  for (let attempt = 0; attempt <= resubscribesMax && !signal.aborted; attempt += 1) {
    if (attempt > 0) await parts.pause(resubscribePauseMs * (1 + parts.random()), signal).catch(() => undefined);
    if (signal.aborted) return;
    for await (const event of followOnce(parts, ref, signal)) {
      if (event.place <= place) continue;
      place = event.place;
      yield event;
      if (isLastEvent(event)) return;
    }
  }
}

async function* followOnce(
  parts: FollowRunParts,
  ref: RunRef,
  signal: AbortSignal,
): AsyncGenerator<RunEvent, void, undefined> {
  const live = await parts.feed.subscribe(ref, signal);
  let fold = createRunFold();
  yield* eventsOf(fold, await parts.journal.read(ref, 0));
  for await (const { from, entries } of live) {
    const { places } = fold.state;
    if (from <= places) {
      yield* eventsOf(fold, entries.slice(places - from));
      continue;
    }
    fold = createRunFold();
    yield* eventsOf(fold, await parts.journal.read(ref, 0));
  }
}

/** The events of a whole journal. */
export function runEvents(entries: readonly string[]): RunEvent[] {
  return [...eventsOf(createRunFold(), entries)];
}

function* eventsOf(fold: RunFold, entries: readonly string[]): Generator<RunEvent, void, undefined> {
  for (const text of entries) {
    const { places } = fold.state;
    const entry = parseEntry(text);
    if (!fold.apply(text) || entry === undefined || !isPlaced(entry)) continue;
    const event = runEvent(places, entry);
    if (event !== undefined) yield event;
  }
}
