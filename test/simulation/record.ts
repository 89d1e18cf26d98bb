/**
 * What has really been written, run by run: every entry that storage took, in order, none of them compacted away, and the state that they fold to. By this record a
 * world is judged.
 */
import { createRunFold, type RunFold } from "../../src/engine/fold-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import type { Storage } from "./things.ts";

export interface RunRecord {
  readonly ref: RunRef;
  readonly entries: string[];
  readonly state: RunState;
  /** Places of events that a compaction took away before a reader could have come for them. */
  compactedTo: number;
}

export interface Recorded {
  /** The storage, which writes down what it takes. */
  readonly storage: Storage;
  readonly runs: ReadonlyMap<string, RunRecord>;
}

export function recorded(storage: Storage): Recorded {
  const runs = new Map<string, RunRecord & { readonly fold: RunFold }>();

  function recordOf({ userId, runId }: RunRef): RunRecord & { readonly fold: RunFold } {
    const known = runs.get(runId);
    if (known !== undefined) return known;
    const fold = createRunFold();
    const made = { ref: { userId, runId }, entries: [], fold, state: fold.state, compactedTo: 0 };
    runs.set(runId, made);
    return made;
  }
  function take(ref: RunRef, entries: readonly string[]): void {
    const record = recordOf(ref);
    record.entries.push(...entries);
    for (const entry of entries) record.fold.apply(entry);
  }

  return {
    runs,
    storage: {
      ...storage,
      async start(ref, start) {
        const answer = await storage.start(ref, start);
        // Into a journal that was compacted nothing is written by a start; but then it does not count either.
        take(ref, start.entries);
        return answer;
      },
      async open(ref, opening, o) {
        const opened = await storage.open(ref, opening, o);
        if (opened.entries.length > 0) take(ref, [opening]);
        return opened;
      },
      async append(ref, entries, ...rest) {
        const length = await storage.append(ref, entries, ...rest);
        if (length > 0) take(ref, entries);
        return length;
      },
      async act(ref, order) {
        const length = await storage.act(ref, order);
        if (length > 0) take(ref, [order.entry]);
        return length;
      },
      async compact(ref, compaction) {
        const isDone = await storage.compact(ref, compaction);
        const record = recordOf(ref);
        if (isDone) record.compactedTo = placesBefore(record.entries, compaction.keep);
        return isDone;
      },
    },
  };
}

/** Places that the entries have but for the last `keep`. */
function placesBefore(entries: readonly string[], keep: number): number {
  const fold = createRunFold();
  for (const entry of entries.slice(0, entries.length - keep)) fold.apply(entry);
  return fold.state.places;
}
