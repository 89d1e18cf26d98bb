/** Plays a run in a simulated world until it is over: what every test of the engine's features needs. */
import { actOnRun, type RunAct } from "../../src/engine/act-on-run.ts";
import type { BudgetProfile } from "../../src/engine/budget.ts";
import type { CompactionRule } from "../../src/engine/compaction-rule.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import {
  createRunRegistry,
  defineRun,
  type AnyRunDefinition,
  type RunDefinition,
} from "../../src/engine/run-definition.ts";
import { isOver, type RunState } from "../../src/engine/run-state.ts";
import { startInline } from "../../src/engine/start-inline.ts";
import * as z from "zod/mini";
import { planned, type Director } from "../simulation/director.ts";
import { checkAlways } from "../simulation/invariants.ts";
import { recorded } from "../simulation/record.ts";
import { memoryStorage } from "../simulation/storage.ts";
import type { Isolate } from "../simulation/things.ts";
import { createWatch } from "../simulation/watch.ts";
import { calm } from "../simulation/weather.ts";
import { createWorld, type World } from "../simulation/world.ts";

/** What the runs of a test are given. */
export interface PlayServices {
  /** Something happens in the world; answers with `result`. */
  act<Result = null>(what: string, step: { readonly idempotencyKey: string }, result?: Result): Promise<Result>;
  /** Whether this is one of the first so many times that it is asked of `what`, over all segments. */
  isAmongFirst(what: string, times: number): boolean;
  /** Resolves after so much time of the world. */
  pause(ms: number): Promise<void>;
}

export type PlayContext = RunContext<PlayServices>;

/** A definition from its code alone. */
export function runOf<Output, Input = any>(
  run: (ctx: PlayContext, input: Input) => Promise<Output>,
  name = "under-test",
  version = 1,
): RunDefinition<Input, Output, PlayServices> {
  return defineRun<Input, Output, PlayServices>({ name, version, input: z.any(), run });
}

export interface PlannedAct {
  /** Done once, as soon as the run is so. */
  readonly when: (state: RunState) => boolean;
  readonly act: RunAct;
  /** After that. */
  readonly afterMs?: number;
}

export interface Scenario {
  /** The first is the one that is started. */
  readonly definitions: readonly AnyRunDefinition<PlayServices>[];
  readonly input?: unknown;
  readonly acts?: readonly PlannedAct[];
  readonly profile?: BudgetProfile;
  readonly compaction?: CompactionRule;
  /** When there is no more to come; without it when all runs have ended. */
  readonly isOver?: (state: RunState) => boolean;
}

export interface Played {
  readonly state: RunState;
  /** What happened in the world, each once, in the order in which it first did. */
  readonly did: readonly string[];
  /** What happened, as often as it did. */
  readonly happened: readonly string[];
  /** Of all runs, by their ids. */
  readonly states: ReadonlyMap<string, RunState>;
  readonly entries: readonly string[];
  readonly trace: readonly string[];
  /** From the run's start to its last entry. */
  readonly elapsedMs: number;
}

const ref = { userId: "usr_1", runId: "run_1" };

/** @throws when an invariant is broken on the way. */
export async function playRun(scenario: Scenario, director: Director = planned(() => undefined)): Promise<Played> {
  const simulated = memoryStorage();
  const { storage, runs } = recorded(simulated.storage);
  const watch = createWatch({ runs, simulated, weather: calm });
  const world: World<PlayServices> = createWorld<PlayServices>({
    director,
    storage: watch.over(storage),
    nextDueMs: () => (isAtRest() ? Infinity : simulated.nextDueMs()),
    registry: createRunRegistry<PlayServices>(scenario.definitions),
    ...(scenario.profile === undefined ? {} : { profile: scenario.profile }),
    ...(scenario.compaction === undefined ? {} : { compaction: scenario.compaction }),
    onEffect: watch.onEffect,
    onContact(isolate, name, args) {
      watch.onContact(isolate, name, args);
      people.look();
    },
    services: servicesIn(() => world),
  });
  const stateOf = (): RunState | undefined => runs.get(ref.runId)?.state;
  /** The sweep would look at it once a day for ever. */
  const isAtRest = (): boolean => stateOf() !== undefined && scenario.isOver?.(stateOf()!) === true;
  const people = peopleOf(world, scenario, stateOf);
  world.at(world.now(), "start", () => void people.start());
  await world.run(() => {
    watch.onQuiet(world);
    if (stateOf()?.started === undefined) return false;
    return isAtRest() || [...runs.values()].every(({ state }) => isOver(state.status));
  });
  const broken = [...watch.violations, ...[...runs.values()].flatMap((record) => checkAlways(record, world.effects))];
  if (broken.length > 0) throw new Error(`${broken.join("\n")}\n${world.trace.join("\n")}`);
  return {
    state: stateOf()!,
    did: [...new Set(world.effects.map(({ label }) => label))],
    happened: world.effects.map(({ label }) => label),
    states: new Map([...runs].map(([runId, { state }]) => [runId, state])),
    entries: runs.get(ref.runId)!.entries,
    trace: world.trace,
    elapsedMs: stateOf()!.lastAt - stateOf()!.startedAt,
  };
}

function servicesIn(worldOf: () => World<PlayServices>): (isolate: Isolate) => PlayServices {
  const firsts = new Map<string, number>();
  return (isolate) => ({
    async act(what, { idempotencyKey }, result) {
      await worldOf().effect(isolate, { key: idempotencyKey, label: what, isFailing: false });
      return result ?? (null as never);
    },
    isAmongFirst(what, times) {
      const seen = firsts.get(what) ?? 0;
      firsts.set(what, seen + 1);
      return seen < times;
    },
    pause: (ms) => worldOf().pause(isolate, ms),
  });
}

/** Whoever starts the run and acts on it repeats what it got no answer to. */
function peopleOf(world: World<PlayServices>, scenario: Scenario, stateOf: () => RunState | undefined) {
  const left = [...(scenario.acts ?? [])];
  async function insist(what: string, act: RunAct): Promise<void> {
    await world.invoke(what, (engine) => actOnRun(engine, ref, act)).catch(() => insist(what, act));
  }
  return {
    look() {
      const state = stateOf();
      const next = left.find(({ when }) => state?.started !== undefined && when(state));
      if (next === undefined) return;
      const { act, afterMs = 0 } = left.splice(left.indexOf(next), 1)[0]!;
      world.at(world.now() + afterMs, act.kind, () => void insist(`${act.kind} of run_1`, act));
    },
    async start(): Promise<void> {
      let isRecorded = false;
      while (!isRecorded) {
        await world
          .invoke("start of run_1", async (engine) => {
            const [definition] = scenario.definitions;
            const request = { ref, definition: definition!, input: scenario.input ?? {} };
            const { segment } = await startInline(engine, request);
            isRecorded = true;
            await segment;
          })
          .catch(() => undefined);
      }
    },
  };
}
