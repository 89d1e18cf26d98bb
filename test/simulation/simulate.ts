/** One case: a few runs in bad weather, acts at random times, readers that come and go; afterwards everything is checked. */
import type { RunRef } from "../../src/engine/journal.ts";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import type { Case } from "./case.ts";
import { seededWorld } from "./chance.ts";
import { byChance } from "./director.ts";
import { checkRun, type Attempts } from "./invariants.ts";
import { createPeople } from "./people.ts";
import { startReaders } from "./readers.ts";
import { recorded } from "./record.ts";
import { runWatched } from "./run-watched.ts";
import { createScript, type ScriptServices } from "./script.ts";
import type { SimulatedStorage } from "./storage.ts";
import { send } from "./send.ts";
import { startUntilRecorded } from "./start.ts";
import { createWatch } from "./watch.ts";
import { createWorld, type World } from "./world.ts";

export interface Simulated {
  readonly trace: readonly string[];
  /** Each begins with the invariant that it breaks. */
  readonly violations: readonly string[];
  readonly deaths: number;
  readonly effects: number;
  readonly compactions: number;
  readonly statuses: readonly string[];
}

export async function simulate(given: Case, simulated: SimulatedStorage): Promise<Simulated> {
  const { seed, weather } = given;
  // Not the chance that wrote the case: a smaller case is to meet the same world.
  const chance = seededWorld(seed + 0x5eed);
  const { storage, runs } = recorded(simulated.storage);
  const script = createScript(`script-${seed}`);
  const watch = createWatch({ runs, simulated, weather });
  const firsts = new Map<string, number>();
  const attempts = new Map<string, Attempts>();
  const world: World<ScriptServices> = createWorld<ScriptServices>({
    director: byChance(chance, weather),
    storage: watch.over(storage),
    nextDueMs: () => simulated.nextDueMs(),
    registry: createRunRegistry<ScriptServices>([script]),
    compaction: given.compaction,
    onEffect: watch.onEffect,
    onContact: watch.onContact,
    services: (isolate) => ({
      act(act) {
        const { attemptsMax: countMax, isUndoable } = act;
        const known = attempts.get(act.key) ?? { labels: new Set(), count: 0, countMax, isUndoable };
        known.labels.add(act.label);
        known.count += 1;
        attempts.set(act.key, known);
        return world.effect(isolate, act);
      },
      isAmongFirst(what, times) {
        const seen = firsts.get(what) ?? 0;
        firsts.set(what, seen + 1);
        return seen < times;
      },
    }),
  });
  const people = createPeople({ world, chance, runs, definition: script });
  const refs = given.runs.map((_run, index): RunRef => ({ userId: `usr_${seed}`, runId: `run_${seed}-${index}` }));
  const readers = startReaders({ simulated, records: runs, refs, patience: given.readerPatience });
  for (const [index, { afterMs, lines, acts }] of given.runs.entries()) {
    const ref = refs[index]!;
    const request = { ref, definition: script, input: { lines: [...lines] } };
    world.at(world.now() + afterMs, `start ${ref.runId}`, () => void startUntilRecorded(world, request));
    for (const { afterMs: actAfterMs, act } of acts) send(world, ref, world.now() + actAfterMs, act);
  }
  const violations = await runWatched({ world, watch, people, readers, refs }, () =>
    [...runs.values()].flatMap((record) => checkRun(record, { records: runs, effects: world.effects, attempts })),
  );
  return {
    trace: world.trace,
    violations: [...watch.violations, ...violations, ...simulated.disagreements],
    deaths: world.deaths(),
    effects: world.effects.length,
    compactions: watch.compactions(),
    statuses: [...runs.values()].map(({ state }) => state.status),
  };
}
