/**
 * Which seeds a run of the simulation goes through, and what it says about one that breaks something.
 *
 * `SEEDS=10000` is how many, `SEED=123` is the only one; its trace is printed whatever comes of it. Every tenth seed runs on Redis, the others on the fake; every fifth
 * stands for a world of agents, too, and every second for one of queued tools.
 */
import { caseOf, type Case } from "./case.ts";
import { shrink } from "./shrink.ts";
import { simulate, type Simulated } from "./simulate.ts";
import type { SimulatedStorage } from "./storage.ts";

export type Ground = "memory" | "redis" | "agents" | "tools";

const seedsUsual = 1_000;
const redisEvery = 10;
const agentsEvery = 5;
const toolsEvery = 2;
const batchCount = 20;

/** Some batches of seeds of about the same size, for as many tests. */
export function batchesOf(ground: Ground): { readonly title: string; readonly seeds: readonly number[] }[] {
  const seeds = seedsOf(ground);
  const size = Math.max(1, Math.ceil(seeds.length / batchCount));
  return Array.from({ length: Math.ceil(seeds.length / size) }, (_batch, index) => {
    const batch = seeds.slice(index * size, (index + 1) * size);
    return { title: `${batch[0]} to ${batch.at(-1)}`, seeds: batch };
  });
}

function seedsOf(ground: Ground): number[] {
  const only = readCount("SEED");
  // One seed is looked at on both grounds: whether they differ says where the defect is.
  if (only !== undefined) return [only];
  const all = Array.from({ length: readCount("SEEDS") ?? seedsUsual }, (_seed, index) => index + 1);
  if (ground === "tools") return all.filter((seed) => seed % toolsEvery === 0);
  if (ground === "agents") return all.filter((seed) => seed % agentsEvery === 0);
  return all.filter((seed) => (seed % redisEvery === 0) === (ground === "redis"));
}

function readCount(name: "SEED" | "SEEDS"): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} must be a whole number above 0, not "${text}"`);
  return Number(text);
}

/** The empty text when nothing is broken; else the seed, what it breaks, and the shortest trace that breaks the same. */
export async function reportOn(seed: number, ground: () => Promise<SimulatedStorage>): Promise<string> {
  const given = caseOf(seed);
  const simulated = await simulate(given, await ground());
  if (process.env["SEED"] !== undefined) console.log(`seed ${seed}\n${describeCase(given)}\n${textOf(simulated)}`);
  if (simulated.violations.length === 0) return "";
  const { smallest, tries } = await shrink(given, async (one) => {
    const { violations, trace } = await simulate(one, await ground());
    return { kinds: new Set(violations.map(kindOf)), traceLines: trace.length };
  });
  const shortest = await simulate(smallest, await ground());
  return [
    `seed ${seed} breaks ${[...new Set(simulated.violations.map(kindOf))].join(", ")}; the same, after ${tries} tries:`,
    describeCase(smallest),
    textOf(shortest),
  ].join("\n");
}

/** The same of a world that is not made smaller: its trace is as it is. */
export function reportAsItIs(seed: number, { trace, violations }: Pick<Simulated, "trace" | "violations">): string {
  const text = textOf({ trace, violations });
  if (process.env["SEED"] !== undefined) console.log(`seed ${seed}\n${text}`);
  return violations.length === 0
    ? ""
    : `seed ${seed} breaks ${[...new Set(violations.map(kindOf))].join(", ")}\n${text}`;
}

function kindOf(violation: string): string {
  return violation.split(":", 1)[0] ?? "";
}

function describeCase({ seed, weather, compaction, runs }: Case): string {
  const bad = Object.entries(weather).filter(([, value]) => value !== 0 && value !== Infinity);
  return [
    `world ${seed}, weather ${JSON.stringify(Object.fromEntries(bad))}, compaction above ${compaction.aboveEntries}`,
    ...runs.map(({ lines, acts }) => `run ${JSON.stringify(lines)} acts ${JSON.stringify(acts)}`),
  ].join("\n");
}

function textOf({ trace, violations }: Pick<Simulated, "trace" | "violations">): string {
  return [...trace, ...violations.map((violation) => `VIOLATION ${violation}`)].join("\n");
}
