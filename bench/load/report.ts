/** bench/LOAD.md: what the people of the load run saw, and what the Worker needed for it. */
import { machineLine } from "../results.ts";
import type { PeopleReport } from "./people.ts";

/** Of workerd, once its garbage is collected. */
export interface MemoryOf {
  readonly heapMiB: number;
  readonly residentMiB: number;
}

export interface LoadRun {
  readonly seconds: number;
  readonly viewers: number;
  readonly turnsPerSecond: number;
  /** Of an answer. */
  readonly words: number;
  readonly people: PeopleReport;
  /** Once a second. */
  readonly memoryMiB: readonly number[];
  readonly before: MemoryOf;
  readonly after: MemoryOf;
  readonly restMs: number;
  readonly workerdCpuMs: number;
  readonly stackCpuMs: number;
}

/** What is neither an answer nor a refusal that is documented. */
const expected: ReadonlySet<string> = new Set(["completed", "limited", "opened", "ended by the server"]);

export function failuresOf({ turns, views }: PeopleReport): number {
  return [...Object.entries(turns), ...Object.entries(views)]
    .filter(([what]) => !expected.has(what))
    .reduce((sum, [, times]) => sum + times, 0);
}

export function reportLoad(run: LoadRun): string {
  const { seconds, viewers, turnsPerSecond, words, people } = run;
  return [
    "# Load",
    "",
    machineLine(),
    "",
    `\`npm run load -- --seconds ${seconds} --viewers ${viewers} --turns ${turnsPerSecond} --words ${words}\`: the built Worker in bare workerd, one isolate in one process; the local stack in a second;`,
    `the people in a third. ${viewers} people watch a conversation of theirs over SSE, each with a session, while ${turnsPerSecond} turns a second begin by the clock, in the conversations of these and of others`,
    `in turn. A turn asks the offline model, which answers with ${words} words, one each 25 ms (5 ms where it is 80 or fewer); messages are sealed at rest.`,
    "",
    ...outcomes(people),
    "",
    "| ms from when a turn was due | p50 | p95 | p99 | longest |",
    "|---|---|---|---|---|",
    `| first word | ${quantiles(people.firstTextMs)} |`,
    `| whole answer | ${quantiles(people.wholeMs)} |`,
    "",
    ...resources(run),
    "",
  ].join("\n");
}

function outcomes(people: PeopleReport): string[] {
  const { turns, views, watched, endings, events } = people;
  const rows = (kind: string, of: Readonly<Record<string, number>>): string[] =>
    Object.entries(of)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([what, times]) => `| ${kind} ${what.replaceAll("|", "/")} | ${times} |`);
  const failures = failuresOf(people);
  return [
    "| what happened | times |",
    "|---|---|",
    ...rows("turns", turns),
    ...rows("streams of viewers", views),
    `| events that viewers read | ${events} |`,
    `| ends of answers that viewers saw, of ${watched} | ${endings} |`,
    `| **neither answered nor refused with a documented 429** | **${failures}** |`,
    "",
    "`limited` is 429 `rate_limited` with its `Retry-After`; `busy` is a turn for which nobody was free, since all still waited for an answer.",
  ];
}

function resources(run: LoadRun): string[] {
  const seconds = run.seconds;
  const third = (from: number, to: number): string => {
    const inside = run.memoryMiB.slice(Math.floor(from * run.memoryMiB.length), Math.ceil(to * run.memoryMiB.length));
    return Math.max(0, ...inside).toFixed(0);
  };
  const share = (ms: number): string => `${((100 * ms) / (seconds * 1_000)).toFixed(0)} %`;
  return [
    "| memory of workerd, MiB | resident | heap that is reachable |",
    "|---|---|---|",
    `| before, warm | ${run.before.residentMiB.toFixed(0)} | ${run.before.heapMiB.toFixed(1)} |`,
    `| most in the first third | ${third(0, 1 / 3)} | |`,
    `| most in the second third | ${third(1 / 3, 2 / 3)} | |`,
    `| most in the last third | ${third(2 / 3, 1)} | |`,
    `| ${run.restMs / 1_000} s after everybody has left | ${run.after.residentMiB.toFixed(0)} | ${run.after.heapMiB.toFixed(1)} |`,
    "",
    "Before and after, the garbage was collected through the inspector; between, V8 does so when it thinks fit, and bare workerd sets it no limit.",
    "",
    "| CPU, of one core | share of the run's seconds |",
    "|---|---|",
    `| workerd | ${share(run.workerdCpuMs)} |`,
    `| the local stack | ${share(run.stackCpuMs)} |`,
    `| the people | ${share(run.people.cpuMs)} |`,
  ];
}

function quantiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0);
  return [0.5, 0.95, 0.99, 1].map(at).join(" | ");
}
