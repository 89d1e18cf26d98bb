import type { RunFeed } from "../../src/engine/follow-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { memoryJournal, type MemoryJournal } from "../fakes/memory-journal.ts";
import type { Storage } from "./things.ts";

/** Where a simulated world keeps its runs, and how it is looked into from outside. */
export interface SimulatedStorage {
  readonly storage: Storage;
  readonly feed: RunFeed;
  /** Of the newest volume. */
  entries(ref: RunRef): Promise<readonly string[]>;
  /** When the sweep looks at a run. */
  dueAt(ref: RunRef): number | undefined;
  /** Infinity when nothing is due. */
  nextDueMs(): number;
  /** Whether the journal will vanish some day. */
  isExpiring(ref: RunRef): Promise<boolean>;
  /** Lets what readers have been told arrive. */
  settle(): Promise<void>;
  /** Where two storages that should be alike are not. */
  readonly disagreements: readonly string[];
}

export function memoryStorage(): SimulatedStorage {
  const journal = memoryJournal();
  return {
    ...lookInto(journal),
    disagreements: [],
    storage: journal,
    feed: journal,
    async settle() {
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export function lookInto(
  journal: MemoryJournal,
): Pick<SimulatedStorage, "entries" | "dueAt" | "nextDueMs" | "isExpiring"> {
  return {
    entries: async (ref) => journal.entries(ref),
    dueAt: journal.dueAt,
    nextDueMs: journal.nextDueMs,
    isExpiring: async ({ userId, runId }) => journal.expiring.has(`${userId}/${runId}`),
  };
}
