/** What a fold writes to: the state of a run, and what only the fold itself goes by. */
import type { Attempts, RunState, SettledStep, Signal, Wait } from "./run-state.ts";
import { nothingSpent } from "./spending.ts";
import { emptyWorkingMemory } from "./working-memory.ts";

export type RunDraft = { -readonly [Field in keyof RunState]: RunState[Field] } & {
  settled: SettledStep[];
  attempts: Map<string, Attempts>;
  waits: Map<string, Wait>;
  signals: Signal[];
  signalIds: Set<string>;
  /** Names of what is in `settled`. */
  settledSteps: Set<string>;
  /** The number that the lease holder's next entry has. */
  nextSeq: number;
  /** The step whose failure ended the run. */
  fatalStep: string | undefined;
};

export function newDraft(): RunDraft {
  return {
    started: undefined,
    startedAt: 0,
    volume: 0,
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
    isGivenUp: false,
    isPauseWanted: false,
    isRevived: false,
    undoing: undefined,
    parked: undefined,
    output: undefined,
    failure: undefined,
    wakesAtMs: undefined,
    isUncertain: false,
    idleSegments: 0,
    deathsInARow: 0,
    diedAfterSteps: undefined,
    spent: nothingSpent,
    settledSteps: new Set(),
    nextSeq: 0,
    fatalStep: undefined,
  };
}
