/** One seed: a few runs in bad weather, acts at random times, readers that come and go; afterwards everything is checked. */
import { actOnRun, type RunAct } from "../../src/engine/act-on-run.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import { isOver, type RunState } from "../../src/engine/run-state.ts";
import { startInline } from "../../src/engine/start-inline.ts";
import { seededWorld, type Chance } from "./chance.ts";
import { checkJournal, checkRun } from "./invariants.ts";
import { startReaders } from "./readers.ts";
import { script, writeScript, type Line, type ScriptServices } from "./script.ts";
import type { SimulatedStorage } from "./storage.ts";
import type { Weather } from "./weather.ts";
import { createWorld, type World } from "./world.ts";

export interface Simulated {
  readonly seed: number;
  readonly trace: readonly string[];
  readonly violations: readonly string[];
  readonly deaths: number;
  readonly effects: number;
  readonly statuses: readonly string[];
}

export async function simulate(seed: number, simulated: SimulatedStorage, given?: Weather): Promise<Simulated> {
  const chance = seededWorld(seed);
  const weather = given ?? weatherOf(chance);
  const failures = new Map<string, number>();
  const world: World<ScriptServices> = createWorld<ScriptServices>({
    chance,
    weather,
    storage: simulated.storage,
    ...(simulated.nextDueMs === undefined ? {} : { nextDueMs: () => simulated.nextDueMs!() }),
    registry: createRunRegistry<ScriptServices>([script]),
    services: (isolate) => ({
      isolate,
      act: (key, isFailing) => world.effect(isolate, key, isFailing),
      failuresLeft(key, wanted) {
        const seen = failures.get(key) ?? 0;
        failures.set(key, seen + 1);
        return seen < wanted;
      },
    }),
  });
  const refs = Array.from({ length: chance.between(1, 3) }, (_run, index) => ({
    userId: "usr_1",
    runId: `run_${seed}-${index}`,
  }));
  const readers = startReaders(simulated, refs, chance);
  for (const ref of refs) {
    const lines = writeScript(chance);
    world.at(world.now() + chance.between(0, 10_000), `start ${ref.runId}`, () => void start(world, ref, lines));
    planActs(world, chance, ref);
  }
  const violations: string[] = [];
  let statuses: string[] = [];
  try {
    await world.run(() => isAllOver({ world, simulated, refs, chance }));
    const all = await simulated.runs();
    for (const ref of all) {
      const entries = await simulated.entries(ref);
      violations.push(
        ...checkJournal(ref, entries, world.effects),
        ...checkRun(ref, foldRun(entries).state, world.effects),
      );
    }
    violations.push(...(await readers.check()));
    statuses = await Promise.all(all.map(async (ref) => foldRun(await simulated.entries(ref)).state.status));
  } catch (error) {
    violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  readers.stop();
  return { seed, trace: world.trace, violations, deaths: world.deaths(), effects: world.effects.length, statuses };
}

/** A client repeats a start until it hears that the run is recorded; it is the same run each time. */
async function start(world: World<ScriptServices>, ref: RunRef, lines: readonly Line[]): Promise<void> {
  for (;;) {
    let isRecorded = false;
    try {
      await world.invoke(`start of ${ref.runId}`, async (engine) => {
        const { segment } = await startInline(engine, { ref, definition: script, input: { lines } });
        isRecorded = true;
        await segment;
      });
      return;
    } catch {
      if (isRecorded) return;
    }
  }
}

function planActs(world: World<ScriptServices>, chance: Chance, ref: RunRef): void {
  const later = (): number => world.now() + chance.between(0, chance.pick([2_000, 30_000, 7_200_000, 86_400_000 * 3]));
  for (let number = 0; number < chance.between(0, 3); number += 1) {
    send(world, ref, later(), { kind: "signal", id: `s${number}`, name: "word", payload: number });
    // Some are sent twice.
    if (chance.happens(0.3))
      send(world, ref, later(), { kind: "signal", id: `s${number}`, name: "word", payload: number });
  }
  if (chance.happens(0.15)) {
    send(world, ref, later(), { kind: "cancel", reason: "no longer wanted", isUndoing: chance.happens(0.7) });
  }
  if (chance.happens(0.15)) send(world, ref, later(), { kind: "pause" });
}

function send(world: World<ScriptServices>, ref: RunRef, atMs: number, act: RunAct): void {
  world.at(atMs, `${act.kind} ${ref.runId}`, () => {
    async function insist(): Promise<void> {
      for (let attempt = 0; attempt < 20; attempt += 1) {
        try {
          await world.invoke(`${act.kind} of ${ref.runId}`, (engine) => actOnRun(engine, ref, act));
          return;
        } catch {
          // The client repeats what it got no answer to.
        }
      }
    }
    void insist();
  });
}

interface Watched {
  readonly world: World<ScriptServices>;
  readonly simulated: SimulatedStorage;
  readonly refs: readonly RunRef[];
  readonly chance: Chance;
}

/** Whether every run has ended. A person helps those that are parked or paused. */
async function isAllOver({ world, simulated, refs }: Watched): Promise<boolean> {
  const all = await simulated.runs();
  if (all.length < refs.length) return false;
  let isEveryOneOver = true;
  for (const ref of all) {
    const { state } = foldRun(await simulated.entries(ref));
    if (isOver(state.status)) continue;
    isEveryOneOver = false;
    expectKnown(ref, state, simulated);
    if (state.status === "parked" || state.status === "paused")
      send(world, ref, world.now() + 60_000, { kind: "resume" });
  }
  return isEveryOneOver;
}

/** E2: whoever is not over is known to the sweep, at every instant. */
function expectKnown(ref: RunRef, state: RunState, simulated: SimulatedStorage): void {
  if (state.started === undefined || simulated.dueAt === undefined) return;
  if (simulated.dueAt(ref) === undefined) throw new Error(`E2: ${ref.runId} is ${state.status} and nobody knows of it`);
}

function weatherOf(chance: Chance): Weather {
  const isBad = chance.happens(0.9);
  const some = (probability: number): number => (isBad && chance.happens(0.7) ? probability * chance.next() : 0);
  return {
    failing: some(0.1),
    killing: some(0.06),
    hanging: some(0.05),
    duplicating: some(0.2),
    lateMsMax: some(1) > 0 ? 120_000 : 0,
    stepsPerIsolateMax: chance.happens(0.25) ? chance.between(1, 12) : Infinity,
  };
}
