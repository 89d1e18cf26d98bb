/** What one seed stands for: some runs, what is done to them, and the weather. A case can be made smaller by hand, a seed cannot. */
import type { RunAct } from "../../src/engine/act-on-run.ts";
import type { CompactionRule } from "../../src/engine/compaction-rule.ts";
import { seededWorld, type Chance } from "./chance.ts";
import { writeScript, type Line } from "./script.ts";
import { weatherOf, type Weather } from "./weather.ts";

export interface PlannedAct {
  /** After the beginning of the world. */
  readonly afterMs: number;
  readonly act: RunAct;
}

export interface PlannedRun {
  readonly afterMs: number;
  readonly lines: readonly Line[];
  readonly acts: readonly PlannedAct[];
}

export interface Case {
  /** Of everything that chance decides while the world goes on. */
  readonly seed: number;
  readonly weather: Weather;
  readonly compaction: CompactionRule;
  /** Events after which a reader leaves and comes back. */
  readonly readerPatience: number;
  readonly runs: readonly PlannedRun[];
}

export function caseOf(seed: number): Case {
  const chance = seededWorld(seed);
  return {
    seed,
    weather: weatherOf(chance),
    compaction: { aboveEntries: chance.pick([4, 8, 20, 512]), keepEntries: chance.between(1, 6) },
    readerPatience: chance.between(1, 12),
    runs: Array.from({ length: chance.between(1, 3) }, () => ({
      afterMs: chance.between(0, 10_000),
      lines: writeScript(chance),
      acts: planActs(chance),
    })),
  };
}

function planActs(chance: Chance): PlannedAct[] {
  const later = (): number => chance.between(0, chance.pick([2_000, 30_000, 7_200_000, 86_400_000 * 3]));
  const acts: PlannedAct[] = [];
  for (let number = 0; number < chance.between(0, 3); number += 1) {
    const act = { kind: "signal", id: `s${number}`, name: "word", payload: number } as const;
    acts.push({ afterMs: later(), act });
    // Some are sent twice.
    if (chance.happens(0.3)) acts.push({ afterMs: later(), act });
  }
  if (chance.happens(0.3)) {
    acts.push({
      afterMs: later(),
      act: { kind: "cancel", reason: "no longer wanted", isUndoing: chance.happens(0.7) },
    });
  }
  if (chance.happens(0.2)) acts.push({ afterMs: later(), act: { kind: "pause" } });
  if (chance.happens(0.1)) acts.push({ afterMs: later(), act: { kind: "resume" } });
  return acts;
}
