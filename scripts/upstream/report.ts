import { reasonOf } from "./known-failures.ts";
import type { TestResult } from "./test-results.ts";

export interface SuiteRun {
  suite: string;
  commit: string;
  results: readonly TestResult[];
}

/** The section of docs/coverage.md that is written by the program: its two tables. */
export function tablesOf(runs: readonly SuiteRun[]): string {
  const totals = runs.map(({ suite, commit, results }) => {
    const counts = (["passed", "failed", "skipped"] as const).map((outcome) => countOf(results, outcome));
    const files = new Set(results.map(({ file }) => file)).size;
    return row([`\`upstash/${suite}\``, commit, String(files), ...counts.map(String)]);
  });
  const failures = runs.flatMap(({ suite, results }) => failureRows(suite, results));
  return [
    row(["suite", "commit", "files", "passed", "failed", "skipped by itself"]),
    row(["---", "---", "--:", "--:", "--:", "--:"]),
    ...totals,
    "",
    "Every file that is not named here passes whole.",
    "",
    row(["suite", "file", "passed", "failed", "because"]),
    row(["---", "---", "--:", "--:", "---"]),
    ...failures,
  ].join("\n");
}

/** `text` with what stands between the two marks replaced. @throws Error when the marks are not there. */
export function withTables(text: string, tables: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`no place for the tables: ${BEGIN} and ${END} are missing`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${text.slice(end)}`;
}

const BEGIN = "<!-- npm run upstream writes from here -->";
const END = "<!-- to here -->";

/** One row for each file that has failures, with all of its reasons. */
function failureRows(suite: string, results: readonly TestResult[]): string[] {
  const byFile = Map.groupBy(results, ({ file }) => file);
  return [...byFile]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, ofFile]) => {
      const failed = ofFile.filter(({ outcome }) => outcome === "failed");
      if (failed.length === 0) return [];
      const reasons = new Set(failed.map((result) => reasonOf(suite, result) ?? "not known yet"));
      const counts = [countOf(ofFile, "passed"), failed.length].map(String);
      return [row([suite, `\`${file}\``, ...counts, [...reasons].join("; ")])];
    });
}

function countOf(results: readonly TestResult[], outcome: TestResult["outcome"]): number {
  return results.filter((result) => result.outcome === outcome).length;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
