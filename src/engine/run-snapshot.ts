/**
 * A run's state as one entry, which stands for all the entries that made it.
 *
 * A loop that turns for ever leaves no more state than its last turn, but its journal grows, and every opening reads all of it. So now and then the entries are
 * replaced by what they amount to. Places go on counting: a reader whose place is gone goes on with what is left.
 */
import type { JsonValue } from "../core/json.ts";
import type { SnapshotRecord } from "./journal-entry.ts";
import type { RunDraft } from "./run-draft.ts";
import type { Attempts, SettledStep, Wait } from "./run-state.ts";
import { memoryFrom, memorySnapshot, type MemorySnapshot } from "./working-memory.ts";

export function snapshotOf(draft: RunDraft): SnapshotRecord {
  // What a volume looks like, and what can be told from the rest, is left out.
  const { volume, length: _length, bytes: _bytes, settledSteps: _settledSteps, ...kept } = draft;
  const saved: SavedState = {
    ...kept,
    settled: kept.settled.map((step) => ({ ...step, turn: savedTurn(step.turn) })),
    memory: memorySnapshot(kept.memory),
    attempts: [...kept.attempts],
    waits: [...kept.waits],
    signalIds: [...kept.signalIds],
  };
  // What is undefined vanishes, and is found missing again.
  return { type: "snapshot", volume: volume + 1, state: saved as unknown as JsonValue };
}

function savedTurn(turn: SettledStep["turn"]): SavedTurn {
  return turn === undefined ? undefined : { ...turn, memory: memorySnapshot(turn.memory) };
}

function restoredTurn(turn: SavedTurn): SettledStep["turn"] {
  return turn === undefined ? undefined : { ...turn, memory: memoryFrom(turn.memory) };
}

/** @param draft a new one. */
export function restore(draft: RunDraft, { volume, state }: SnapshotRecord): void {
  const saved = state as unknown as SavedState;
  Object.assign(draft, saved, {
    volume,
    settled: saved.settled.map((step) => ({ ...step, turn: restoredTurn(step.turn) })),
    memory: memoryFrom(saved.memory),
    attempts: new Map(saved.attempts),
    waits: new Map(saved.waits),
    signalIds: new Set(saved.signalIds),
    settledSteps: new Set(saved.settled.map(({ step }) => step)),
  });
}

type SavedTurn = { readonly emitted: number; readonly memory: MemorySnapshot } | undefined;

/** The state as JSON has it: maps and sets are lists. */
interface SavedState
  extends Omit<RunDraft, "volume" | "length" | "bytes" | "settledSteps" | keyof SavedCollections>, SavedCollections {}

interface SavedCollections {
  readonly settled: readonly (Omit<SettledStep, "turn"> & { readonly turn: SavedTurn })[];
  readonly memory: MemorySnapshot;
  readonly attempts: readonly (readonly [string, Attempts])[];
  readonly waits: readonly (readonly [string, Wait])[];
  readonly signalIds: readonly string[];
}
