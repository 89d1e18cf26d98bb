/** Runs of agents in bad weather, under the very eyes of the watch that looks on at scripts. */
import { agentRun } from "../../src/agent/run/agent-run.ts";
import { agentExecution, agentPlanning, agentReflection } from "../../src/agent/run/phase-runs.ts";
import type { AgentServices } from "../../src/agent/run/agent-services.ts";
import type { JournalStart, RunRef } from "../../src/engine/journal.ts";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import type { AgentCase, PlannedAgentRun } from "./agent-case.ts";
import { checkAgentRun } from "./agent-invariants.ts";
import { createAgentWorld, type Beginning } from "./agent-world.ts";
import { seededWorld } from "./chance.ts";
import { byChance } from "./director.ts";
import { createPeople } from "./people.ts";
import { startReaders } from "./readers.ts";
import { recorded } from "./record.ts";
import { runWatched } from "./run-watched.ts";
import { send } from "./send.ts";
import { startUntilRecorded } from "./start.ts";
import type { SimulatedStorage } from "./storage.ts";
import type { Isolate } from "./things.ts";
import { createWatch } from "./watch.ts";
import { calm } from "./weather.ts";
import { createWorld, type World } from "./world.ts";

export interface SimulatedAgents {
  readonly trace: readonly string[];
  readonly violations: readonly string[];
  readonly statuses: readonly string[];
  readonly effects: number;
}

export async function simulateAgents(given: AgentCase, simulated: SimulatedStorage): Promise<SimulatedAgents> {
  const { seed, weather } = given;
  const chance = seededWorld(seed + 0xa11ce);
  const { storage, runs } = recorded(simulated.storage);
  const watch = createWatch({ runs, simulated, weather });
  const segments = new Map<Isolate, string>();
  const violations: string[] = [];
  const refs = given.runs.map((_run, index): RunRef => ({ userId: `usr_${seed}`, runId: `run_${seed}-${index}` }));
  const plannedOf = (runId: string): PlannedAgentRun => given.runs[refs.findIndex((ref) => ref.runId === runId)]!;

  /** T4: what is recorded is neither asked for nor done again by whoever has the lease. */
  function onBegin(isolate: Isolate, runId: string, beginning: Beginning): void {
    const state = runs.get(runId)?.state;
    if (state?.holder === undefined || state.holder.segment !== segments.get(isolate)) return;
    if ("stepKey" in beginning) {
      const step = beginning.stepKey.slice(runId.length + 1);
      if (state.settled.some((settled) => settled.step === step)) violations.push(`T4: ${step} runs again`);
      return;
    }
    const values = JSON.stringify(state.settled.map(({ outcome }) => outcome));
    const known = agents.answers.get(beginning.question)?.find((mark) => values.includes(mark));
    if (known !== undefined) violations.push(`T4: the model is asked again for ${known}, which ${runId} has`);
  }

  const world: World<AgentServices> = createWorld<AgentServices>({
    director: byChance(chance, weather),
    storage: watch.over(storage),
    nextDueMs: () => simulated.nextDueMs(),
    registry: createRunRegistry([agentRun, agentPlanning, agentExecution, agentReflection]),
    compaction: { aboveEntries: chance.pick([6, 20, 512]), keepEntries: chance.between(1, 6) },
    onEffect: watch.onEffect,
    onContact(isolate, name, args) {
      watch.onContact(isolate, name, args);
      const segment = segmentIn(name, args[1]);
      if (segment !== undefined) segments.set(isolate, segment);
    },
    services: (isolate) => agents.services(isolate),
  });
  const agents = createAgentWorld({ world: () => world, runOf: plannedOf, onBegin });
  const people = createPeople({ world, chance, runs });
  const readers = startReaders({ simulated, records: runs, refs, patience: chance.between(1, 12) });
  for (const [index, { afterMs, shape, acts }] of given.runs.entries()) {
    const ref = refs[index]!;
    const agent = { id: "agt_1", name: "Tester", createdAt: 0, updatedAt: 0, shape };
    const request = { ref, definition: agentRun, input: { agent, goal: `what ${ref.runId} is for` } };
    world.at(world.now() + afterMs, `start ${ref.runId}`, () => void startUntilRecorded(world, request));
    for (const { afterMs: actAfterMs, act } of acts) send(world, ref, world.now() + actAfterMs, act);
  }
  const evidence = { effects: world.effects, uses: agents.uses, isCalm: weather === calm };
  const broken = await runWatched({ world, watch, people, readers, refs }, () =>
    [...runs.values()].flatMap((record) =>
      checkAgentRun(record, { ...evidence, planned: plannedOf(record.ref.runId) }),
    ),
  );
  return {
    trace: world.trace,
    violations: [...watch.violations, ...agents.violations, ...violations, ...broken, ...simulated.disagreements],
    statuses: [...runs.values()].map(({ state }) => state.status),
    effects: world.effects.length,
  };
}

/** Whose word it was that reached the journal. */
function segmentIn(name: string, written: unknown): string | undefined {
  if (name === "open") return String(written).split(" ", 1)[0];
  if (name === "start") return (written as JournalStart).entries.at(-1)?.split(" ", 1)[0];
  return undefined;
}
