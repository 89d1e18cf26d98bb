/**
 * Plays a scenario in every way in which it may come to its end, and expects the same each time:
 *
 * straight through; with one step in each segment, so that everything is replayed again and again; the same with its journal compacted at each opening; with call 1
 * failing before its effect, then after it, then call 2, until a run has no such call; and with the isolate killed at each call in the same way, which the queue
 * notices where a message brought it, and the sweep where none did.
 */
import { budgetProfiles } from "../../src/engine/budget.ts";
import { fates, planned, type Fate } from "../simulation/director.ts";
import { playRun, type Played, type Scenario } from "./play-run.ts";

const oneStep = { ...budgetProfiles.paid, steps: 1 };
const callsMax = 1_000;

export async function everyWay(scenario: Scenario, expectOf: (played: Played) => void): Promise<void> {
  const ways: Record<string, Scenario> = {
    straight: scenario,
    "one step in each segment": { ...scenario, profile: oneStep },
    "compacted in each segment": { ...scenario, profile: oneStep, compaction: { aboveEntries: 3, keepEntries: 1 } },
  };
  for (const [way, scenarioOfWay] of Object.entries(ways)) {
    await inWords(way, async () => expectOf(await playRun(scenarioOfWay)));
  }
  for (const fate of [fates.failBefore, fates.failAfter, fates.killBefore, fates.killAfter]) {
    await sweepCalls(scenario, fate, expectOf);
  }
}

/** Gives call 1 that fate, then call 2, until a run has no such call. */
async function sweepCalls(scenario: Scenario, fate: Fate, expectOf: (played: Played) => void): Promise<void> {
  let count = Infinity;
  for (let number = 1; number <= count; number += 1) {
    if (number > callsMax) throw new Error("the scenario makes more and more calls");
    count = 0;
    const director = planned((call) => {
      // What a step does to the world is not ours to break: its failure is an outcome.
      if (call.name.startsWith("effect") && fate.answer === "lost") return undefined;
      count += 1;
      return count === number ? fate : undefined;
    });
    await inWords(`call ${number} ${fate.name}`, async () => expectOf(await playRun(scenario, director)));
  }
}

async function inWords(way: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error) error.message = `${way}: ${error.message}`;
    throw error;
  }
}
