/** Makes a case that fails smaller, as long as it fails in the same way. */
import type { Case, PlannedRun } from "./case.ts";
import type { Line } from "./script.ts";
import { calm } from "./weather.ts";

/** What is wrong, by the names of the invariants that are broken. */
export type Verdict = { readonly kinds: ReadonlySet<string>; readonly traceLines: number };

export interface Shrunk {
  readonly smallest: Case;
  readonly tries: number;
}

/** A smaller case meets another world, so each is tried in several. */
const worldsPerCase = 6;

export async function shrink(given: Case, judge: (one: Case) => Promise<Verdict>, triesMax = 400): Promise<Shrunk> {
  const kinds = [...(await judge(given)).kinds];
  let smallest = given;
  let tries = 1;

  async function failsAlike(one: Case): Promise<Case | undefined> {
    for (let world = 0; world < worldsPerCase && tries < triesMax; world += 1) {
      tries += 1;
      const inWorld = { ...one, seed: given.seed + world * 1_000_003 };
      const verdict = await judge(inWorld);
      if (kinds.some((kind) => verdict.kinds.has(kind))) return inWorld;
    }
    return undefined;
  }

  let hasShrunk = true;
  while (hasShrunk && tries < triesMax) {
    hasShrunk = false;
    for (const smaller of smallerCases(smallest)) {
      const found = await failsAlike(smaller);
      if (found === undefined) continue;
      smallest = found;
      hasShrunk = true;
      break;
    }
  }
  return { smallest, tries };
}

/** The greatest steps first. */
function* smallerCases(given: Case): Generator<Case> {
  if (given.runs.length > 1) for (const runs of without(given.runs)) yield { ...given, runs };
  for (const [name, value] of Object.entries(calm)) {
    if (given.weather[name as keyof typeof calm] !== value)
      yield { ...given, weather: { ...given.weather, [name]: value } };
  }
  for (const [index, run] of given.runs.entries()) {
    for (const smaller of smallerRuns(run)) yield { ...given, runs: given.runs.with(index, smaller) };
  }
  if (given.compaction.aboveEntries < 512) yield { ...given, compaction: { aboveEntries: 512, keepEntries: 1 } };
  if (given.readerPatience < 1_000) yield { ...given, readerPatience: 1_000 };
}

function* smallerRuns(run: PlannedRun): Generator<PlannedRun> {
  for (const acts of without(run.acts)) yield { ...run, acts };
  for (const lines of smallerLines(run.lines)) yield { ...run, lines };
  if (run.afterMs > 0) yield { ...run, afterMs: 0 };
}

function* smallerLines(lines: readonly Line[]): Generator<readonly Line[]> {
  yield* without(lines);
  for (const [index, line] of lines.entries()) {
    for (const smaller of smallerLine(line)) yield lines.toSpliced(index, 1, ...smaller);
  }
}

/** Each is what stands in place of the line. */
function* smallerLine(line: Line): Generator<readonly Line[]> {
  switch (line.kind) {
    case "all":
      yield line.branches.flat();
      if (line.branches.length > 2) for (const branches of without(line.branches)) yield [{ ...line, branches }];
      for (const [index, branch] of line.branches.entries()) {
        for (const smaller of smallerLines(branch)) yield [{ ...line, branches: line.branches.with(index, smaller) }];
      }
      return;
    case "child":
    case "loop":
      yield line.lines;
      for (const lines of smallerLines(line.lines)) yield [{ ...line, lines }];
      if (line.kind === "loop" && line.turns > 1) yield [{ ...line, turns: line.turns - 1 }];
      return;
    case "step":
      if (line.failures > 0) yield [{ ...line, failures: 0 }];
      if (line.undoFailures > 0) yield [{ ...line, undoFailures: 0 }];
      if (line.isUndoable) yield [{ ...line, isUndoable: false }];
      return;
    case "defect":
      if (line.times > 1) yield [{ ...line, times: 1 }];
      return;
    default:
  }
}

function* without<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (const index of items.keys()) yield items.toSpliced(index, 1);
}
