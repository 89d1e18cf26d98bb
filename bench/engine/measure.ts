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

export async function measureSteps(contenders: readonly Contender[]): Promise<Sample[]> {
  const samples = contenders.map(emptySample);
  for (let round = -1; round < rounds; round += 1) {
    // Each has another one before it in each round, and what that one left to be done is done.
    for (let turn = 0; turn < samples.length; turn += 1) {
      const sample = samples[(turn + round + 1) % samples.length]!;
      await wait(settleMs);
      const [runs] = await timeRuns([sample.contender], sequence.runs);
      keep(round, sample, { ...runs!, ...(await measureBurst(sample.contender)) });
    }
  }
  return samples;
}

/** For two that are nearly alike: their runs alternate, one by one, so that a noisy moment hits both. */
export async function compareSteps(
  one: Contender,
  other: Contender,
  o: { readonly rounds: number; readonly runs: number },
): Promise<Sample[]> {
  const samples = [one, other].map(emptySample);
  for (let round = -1; round < o.rounds; round += 1) {
    await wait(settleMs);
    const runs = await timeRuns([one, other], o.runs);
    for (const [index, sample] of inTurn(samples, round)) {
      await wait(settleMs);
      keep(round, sample, { ...runs[index]!, ...(await measureBurst(sample.contender)) });
    }
  }
  return samples;
}

const emptySample = (contender: Contender): Sample => ({ contender, stepMs: [], runsPerSecond: [], stepCpuMs: [] });

/** The first round warms the compilers up. */
function keep(
  round: number,
  sample: Sample,
  measured: { readonly stepMs: number; readonly runsPerSecond: number; readonly stepCpuMs: number },
): void {
  if (round < 0) return;
  sample.stepMs.push(measured.stepMs);
  sample.runsPerSecond.push(measured.runsPerSecond);
  sample.stepCpuMs.push(measured.stepCpuMs);
  console.error(`round ${round} ${sample.contender.name} ${JSON.stringify(measured)}`);
}

/** Forwards and backwards by turns: of two, each comes behind itself as often as behind the other. */
function inTurn<T>(list: readonly T[], turn: number): (readonly [number, T])[] {
  const entries = [...list.entries()];
  return turn % 2 === 0 ? entries : entries.toReversed();
}

async function timeRuns(contenders: readonly Contender[], runs: number): Promise<{ readonly stepMs: number }[]> {
  const times = contenders.map(() => ({ long: [] as number[], short: [] as number[] }));
  for (let run = 0; run < runs; run += 1) {
    for (const [index, contender] of inTurn(contenders, run)) {
      times[index]!.long.push(await timed(contender, sequence.steps));
      times[index]!.short.push(await timed(contender, 1));
    }
  }
  return times.map(({ long, short }) => ({ stepMs: (median(long) - median(short)) / (sequence.steps - 1) }));
}

async function measureBurst(contender: Contender) {
  const cpuBefore = await contender.cpuMs();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: burst.runs }, () => contender.run(burst.steps)));
  const burstMs = performance.now() - startedAt;
  const cpuMs = (await contender.cpuMs()) - cpuBefore;
  return {
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
