import type { RunFeed } from "../../src/engine/follow-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { memoryJournal } from "../fakes/memory-journal.ts";
import type { Storage } from "./things.ts";

/** Where a simulated world keeps its runs, and how it is looked into from outside. */
export interface SimulatedStorage {
  readonly storage: Storage;
  readonly feed: RunFeed | undefined;
  entries(ref: RunRef): Promise<readonly string[]>;
  /** All runs, children included. */
  runs(): Promise<RunRef[]>;
  /** When the sweep looks at a run; absent where that cannot be asked. */
  dueAt?(ref: RunRef): number | undefined;
  nextDueMs?(): number;
  /** Ends every subscription, as a lost connection does. */
  disconnect?(): void;
}

export function memoryStorage(): SimulatedStorage {
  const journal = memoryJournal();
  return {
    storage: journal,
    feed: journal,
    entries: async (ref) => journal.entries(ref),
    runs: async () => journal.runs(),
    dueAt: journal.dueAt,
    nextDueMs: journal.nextDueMs,
    disconnect: journal.disconnect,
  };
}
