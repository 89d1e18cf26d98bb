/** Looks on while a world goes on: what must hold at every instant, not only in the end. */
import { foldRun } from "../../src/engine/fold-run.ts";
import { limits } from "../../src/core/limits.ts";
import { hasNews, isOver, isRunOut, type RunState } from "../../src/engine/run-state.ts";
import type { JournalStart, RunRef } from "../../src/engine/journal.ts";
import type { RunRecord } from "./record.ts";
import type { SimulatedStorage } from "./storage.ts";
import type { Isolate, Storage } from "./things.ts";
import type { Weather } from "./weather.ts";

interface Watched {
  now(): number;
  isAbout(runId: string): boolean;
}

export interface Watch {
  readonly violations: string[];
  readonly compactions: () => number;
  /** The same storage; what is compacted is compared with what it was. */
  over(storage: Storage): Storage;
  /** An isolate has reached the journal of a run, and could know what it says. */
  onContact(isolate: Isolate, name: string, args: readonly unknown[]): void;
  /** An isolate begins the body of a step. */
  onEffect(isolate: Isolate, key: string): void;
  /** Nothing can happen now but that time passes. */
  onQuiet(world: Watched): void;
  /** Nothing will ever happen again. */
  atEnd(): Promise<string[]>;
}

interface WatchParts {
  readonly runs: ReadonlyMap<string, RunRecord>;
  readonly simulated: SimulatedStorage;
  readonly weather: Weather;
}

function lastOf(written: string | readonly string[] | JournalStart): string | undefined {
  if (typeof written === "string") return written;
  return "startedAtMs" in written ? written.entries.at(-1) : written.at(-1);
}

export function createWatch({ runs, simulated, weather }: WatchParts): Watch {
  const violations: string[] = [];
  /** Isolates that have seen, in the journal, that the lease is no longer theirs. */
  const late = new Set<Isolate>();
  let compactions = 0;
  // A write that is late may put a run off which goes on meanwhile; then the sweep still finds it within a day.
  const isPunctual = weather.hanging === 0 && weather.timingOut === 0;

  async function compare({ ref, entries }: RunRecord): Promise<string[]> {
    const stored = foldRun(await simulated.entries(ref)).snapshot();
    const written = foldRun(entries).snapshot();
    if (JSON.stringify(stored.state) === JSON.stringify(written.state)) return [];
    return [
      `R6: ${ref.runId} is ${JSON.stringify(stored.state)} in its volume, and was ${JSON.stringify(written.state)}`,
    ];
  }

  function isOnItsWay({ ref, state }: RunRecord, world: Watched): boolean {
    const isLive = state.holder !== undefined && !isRunOut(state.holder, world.now());
    return isLive || world.isAbout(ref.runId);
  }

  /** E2 */
  function expectKnown(record: RunRecord, world: Watched): void {
    const { ref, state } = record;
    if (state.started === undefined || isOver(state.status) || isOnItsWay(record, world)) return;
    const dueAtMs = simulated.dueAt(ref);
    const latestMs = latestLook(state, world.now());
    if (dueAtMs === undefined || dueAtMs > latestMs) {
      const when = dueAtMs === undefined ? "never" : `in ${dueAtMs - world.now()} ms`;
      violations.push(`E2: ${ref.runId} is ${state.status}, nobody is about it, and the sweep looks at it ${when}`);
    }
  }

  function latestLook(state: RunState, now: number): number {
    const atAll = now + limits.sweepSilenceMsMax + weather.skewMsMax;
    if (state.status === "parked") return Infinity;
    const isStopped = state.status === "paused";
    const isWaiting = (state.status === "waiting" || state.wakesAtMs !== undefined) && !hasNews(state);
    if (!isPunctual || isStopped || isWaiting) return atAll;
    return now + limits.leaseMs + limits.sweepSlackMs + limits.sweepAgainMs + weather.skewMsMax;
  }

  return {
    violations,
    compactions: () => compactions,
    over: (storage) => ({
      ...storage,
      async compact(ref, compaction) {
        const isDone = await storage.compact(ref, compaction);
        if (isDone) compactions += 1;
        violations.push(...(await compare(runs.get(ref.runId)!)));
        return isDone;
      },
    }),
    onContact(isolate, name, args) {
      if (name !== "start" && name !== "open" && name !== "append") return;
      const [ref, written] = args as [RunRef, string | readonly string[] | JournalStart];
      const last = lastOf(written);
      const holder = runs.get(ref.runId)?.state.holder;
      if (holder !== undefined && holder.segment !== last?.split(" ", 1)[0]) late.add(isolate);
    },
    onEffect(isolate, key) {
      const record = runs.get(key.split("/", 1)[0]!);
      if (record?.state.started === undefined || record.state.segments === 0) {
        violations.push(`E8: ${key} begins before anything is recorded`);
      }
      if (late.has(isolate)) violations.push(`E3: ${key} begins in #${isolate.id}, which has lost the lease`);
    },
    onQuiet(world) {
      for (const record of runs.values()) expectKnown(record, world);
    },
    async atEnd() {
      const found: string[] = [];
      for (const record of runs.values()) {
        found.push(...(await compare(record)));
        const isKnown = simulated.dueAt(record.ref) !== undefined;
        if (isKnown) found.push(`E2: ${record.ref.runId} is over, and the sweep does not let it go`);
        if (!(await simulated.isExpiring(record.ref)))
          found.push(`E7: the journal of ${record.ref.runId} never expires`);
      }
      return found;
    },
  };
}
