/** Times and CPU of each contender, all of them in turn within each round, so that a noisy minute of the machine hits them all. */
import { setTimeout as wait } from "node:timers/promises";
import type { Contender } from "./contender.ts";

export const rounds = 5;
export const sequence = { steps: 20, runs: 15 } as const;
export const burst = { steps: 20, runs: 100 } as const;
const settleMs = 1_000;

/** One value for each round. */
export interface Sample {
  readonly contender: Contender;
  readonly stepMs: number[];
  readonly runsPerSecond: number[];
  /** Of all its processes, in the burst, for each step. */
  readonly stepCpuMs: number[];
}

/** @param roundsCount more where what is compared is alike, and a noisy round would decide. */
export async function measureSteps(contenders: readonly Contender[], roundsCount = rounds): Promise<Sample[]> {
  const samples: Sample[] = contenders.map((contender) => ({
    contender,
    stepMs: [],
    runsPerSecond: [],
    stepCpuMs: [],
  }));
  for (let round = -1; round < roundsCount; round += 1) {
    // Each has another one before it in each round, and what that one left to be done is done.
    for (let turn = 0; turn < samples.length; turn += 1) {
      const sample = samples[(turn + round + 1) % samples.length]!;
      await wait(settleMs);
      const measured = await measureOnce(sample.contender);
      // The first round warms the compilers up.
      if (round < 0) continue;
      sample.stepMs.push(measured.stepMs);
      sample.runsPerSecond.push(measured.runsPerSecond);
      sample.stepCpuMs.push(measured.stepCpuMs);
      console.error(`round ${round} ${sample.contender.name} ${JSON.stringify(measured)}`);
    }
  }
  return samples;
}

async function measureOnce(contender: Contender) {
  const long: number[] = [];
  const short: number[] = [];
  for (let run = 0; run < sequence.runs; run += 1) {
    long.push(await timed(contender, sequence.steps));
    short.push(await timed(contender, 1));
  }
  const cpuBefore = await contender.cpuMs();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: burst.runs }, () => contender.run(burst.steps)));
  const burstMs = performance.now() - startedAt;
  const cpuMs = (await contender.cpuMs()) - cpuBefore;
  return {
    stepMs: (median(long) - median(short)) / (sequence.steps - 1),
    runsPerSecond: (burst.runs * 1_000) / burstMs,
    stepCpuMs: cpuMs / (burst.runs * burst.steps),
  };
}

async function timed(contender: Contender, steps: number): Promise<number> {
  const startedAt = performance.now();
  await contender.run(steps);
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
