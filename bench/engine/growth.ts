/** What a step costs far into a long run, as the times in its journal tell. What a change of segments costs is in it. */
import { parseEntry, type JournalEntry } from "../../src/engine/journal-entry.ts";
import { untilCompleted } from "./run-end.ts";
import type { Stage } from "./stage.ts";

/** From which step to which. The short ones are taken from several runs: the journal's times are whole milliseconds. */
export const stretches = [
  [0, 10],
  [10, 100],
  [100, 1_000],
  [1_000, 2_000],
  [9_000, 10_000],
] as const;
const shortRuns = 20;

export interface Growth {
  readonly segments: number;
  /** Milliseconds of a step in each stretch; NaN for those that the run is too short for. */
  readonly stepMs: readonly number[];
}

/** @param steps of the long run. */
export async function measureGrowth(stage: Stage, steps: number): Promise<Growth> {
  const short: number[][] = [];
  for (let run = 0; run < shortRuns; run += 1) short.push(outcomeTimes(await entriesOf(stage, 100)));
  const entries = await entriesOf(stage, steps);
  const long = outcomeTimes(entries);
  return {
    segments: entries.filter(({ record }) => record.type === "opened").length,
    stepMs: stretches.map(([from, to]) => {
      const runs = to <= 100 ? short : [long];
      const spentMs = runs.reduce((sum, times) => sum + (times[to] ?? Number.NaN) - (times[from] ?? Number.NaN), 0);
      return spentMs / runs.length / (to - from);
    }),
  };
}

async function entriesOf(stage: Stage, steps: number): Promise<JournalEntry[]> {
  const run = await stage.skipstone.start("count-quietly", steps);
  await untilCompleted(stage, run);
  return (await stage.journal(run, 0)).map((text) => parseEntry(text)).filter((entry) => entry !== undefined);
}

/** The start, then the time of each outcome. */
function outcomeTimes(entries: readonly JournalEntry[]): number[] {
  return entries.filter(({ record }) => record.type === "started" || record.type === "done").map(({ at }) => at);
}
