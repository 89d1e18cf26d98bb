/** Readers of the runs' events who come and go: in the end each has seen every event once, in order. */
import { followRun, runEvents } from "../../src/engine/follow-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { RunEvent } from "../../src/engine/run-event.ts";
import type { RunRecord } from "./record.ts";
import type { SimulatedStorage } from "./storage.ts";

export interface Readers {
  /** V1 */
  check(): Promise<string[]>;
  stop(): void;
}

interface ReadersParts {
  readonly simulated: SimulatedStorage;
  readonly records: ReadonlyMap<string, RunRecord>;
  readonly refs: readonly RunRef[];
  /** Events after which a reader leaves and comes back. */
  readonly patience: number;
}

export function startReaders({ simulated, records, refs, patience }: ReadersParts): Readers {
  const stopper = new AbortController();
  const seen = new Map<string, RunEvent[]>(refs.map(({ runId }) => [runId, []]));
  const parts = {
    journal: {
      read: async (ref: RunRef, from: number) => (await simulated.entries(ref)).slice(from),
    },
    feed: simulated.feed,
    pause: async () => {},
    random: () => 0,
  };
  const written = ({ runId }: RunRef): number => records.get(runId)?.entries.length ?? 0;

  async function read(ref: RunRef): Promise<void> {
    const events = seen.get(ref.runId)!;
    while (!stopper.signal.aborted) {
      const connection = new AbortController();
      const signal = AbortSignal.any([stopper.signal, connection.signal]);
      const before = written(ref);
      let count = 0;
      for await (const event of followRun(parts, ref, events.at(-1)?.place ?? -1, signal)) {
        events.push(event);
        count += 1;
        if (count >= patience) break;
      }
      connection.abort();
      // After its last event a run has no more, until somebody retries it.
      do await new Promise((resolve) => setImmediate(resolve));
      while (count < patience && written(ref) === before && !stopper.signal.aborted);
    }
  }
  for (const ref of refs) read(ref).catch(() => undefined);

  function missed(ref: RunRef): string[] {
    const record = records.get(ref.runId);
    const expected = runEvents(record?.entries ?? []);
    const got = seen.get(ref.runId)!;
    const places = new Set(got.map(({ place }) => place));
    const due = expected.filter(({ place }) => places.has(place) || place >= (record?.compactedTo ?? 0));
    if (JSON.stringify(got) === JSON.stringify(due)) return [];
    return [`V1: a reader of ${ref.runId} saw ${placesOf(got)} instead of ${placesOf(due)}`];
  }

  return {
    async check() {
      for (let patienceLeft = 20; patienceLeft > 0 && refs.flatMap(missed).length > 0; patienceLeft -= 1) {
        await simulated.settle();
      }
      return refs.flatMap(missed);
    },
    stop: () => stopper.abort(),
  };
}

function placesOf(events: readonly RunEvent[]): string {
  return events.map(({ place, type }) => `${place}:${type}`).join(" ");
}
