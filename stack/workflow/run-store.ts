/** All records of workflow runs, and how they are found. Whatever is not in a collection is an index that is made from one. */
import type { Collection, Storage } from "../storage/collection.ts";
import { groupRecords, type GroupedRecords } from "./grouped-records.ts";
import { endedRunCountMax } from "./limits.ts";
import { isRunning, type OpenStep, type Run, type RunDeadLetter, type Step, type StoredEvent } from "./run.ts";

export interface RunStore {
  get(key: string): Run | undefined;
  /** The last run of this id; earlier ones are over. */
  latest(runId: string): Run | undefined;
  /** Oldest first. */
  list(): Run[];
  put(run: Run): void;
  runningCount(): number;
  /** Forgets the runs that ended first, beyond the limit. Called when a run has ended. */
  forgetOldest(): void;
  /** Grouped by run, the index of a step is its place. */
  steps: GroupedRecords<Step>;
  openSteps: GroupedRecords<OpenStep>;
  events: GroupedRecords<StoredEvent>;
  deadLetters: Collection<RunDeadLetter>;
}

export function createRunStore(storage: Storage): RunStore {
  const runs = storage.collection<Run>("workflow-runs");
  const latestKeys = new Map<string, string>();
  const endedKeys = new Set<string>();
  for (const run of runs.values().toSorted((left, right) => endOf(left) - endOf(right))) index(run);

  const byRun = { groupOf: ({ runKey }: { runKey: string }) => runKey };
  const steps = groupRecords<Step>({
    ...byRun,
    records: storage.collection("workflow-steps"),
    idOf: ({ runKey, index: place }) => `${runKey}/${place}`,
  });
  const openSteps = groupRecords<OpenStep>({
    ...byRun,
    records: storage.collection("workflow-open-steps"),
    idOf: ({ runKey, head }) => openStepId(runKey, head.stepId),
  });
  const events = groupRecords<StoredEvent>({
    ...byRun,
    records: storage.collection("workflow-events"),
    idOf: ({ runKey, number }) => `${runKey}/${number}`,
  });
  const deadLetters = storage.collection<RunDeadLetter>("workflow-dead-letters");

  function index(run: Run): void {
    const latest = runs.get(latestKeys.get(run.runId) ?? "");
    if (latest === undefined || latest.createdAtMs <= run.createdAtMs) latestKeys.set(run.runId, run.key);
    if (!isRunning(run)) endedKeys.add(run.key);
  }

  function forget(key: string): void {
    const run = runs.get(key);
    endedKeys.delete(key);
    if (run === undefined) return;
    runs.remove(key);
    if (latestKeys.get(run.runId) === key) latestKeys.delete(run.runId);
    for (const records of [steps, openSteps, events]) records.removeGroup(key);
    if (run.ending?.dlqId !== undefined) deadLetters.remove(run.ending.dlqId);
  }

  return {
    get: (key) => runs.get(key),
    latest: (runId) => runs.get(latestKeys.get(runId) ?? ""),
    list: () => runs.values(),
    put(run) {
      runs.put(run.key, run);
      index(run);
    },
    runningCount: () => runs.size() - endedKeys.size,
    forgetOldest() {
      for (const key of endedKeys) {
        if (endedKeys.size <= endedRunCountMax) return;
        forget(key);
      }
    },
    steps,
    openSteps,
    events,
    deadLetters,
  };
}

export function openStepId(runKey: string, stepId: number): string {
  return `${runKey}/${stepId}`;
}

function endOf(run: Run): number {
  return run.ending?.atMs ?? Infinity;
}
