/**
 * `npm run upstream [-- FOLDER] [--only redis-js]`: runs the test suites of Upstash's own SDKs against the local stack.
 *
 * The suites are looked for in FOLDER (`.upstream`, which git ignores), each under its repository's name, and cloned from GitHub where
 * they are not there. Where the system allows it, each runs in a network of its own: nothing can reach the internet or a real account,
 * and the port that the suites' own mock servers insist on is free.
 *
 * It exits 1 when a test fails for a reason that known-failures.ts does not name, or when fewer tests ran than there are.
 * After a run of all suites without such news it writes the tables of docs/coverage.md.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { explainFailure } from "../../stack/command-line.ts";
import { freePort } from "../../stack/free-port.ts";
import { knownFailures, reasonOf } from "./known-failures.ts";
import { commitOf, prepareBun, prepareSuite } from "./prepare.ts";
import { tablesOf, withTables } from "./report.ts";
import type { SuiteRun } from "./report.ts";
import { suites } from "./suites.ts";
import type { Suite } from "./suites.ts";
import { readResults } from "./test-results.ts";

/** The mock servers inside the suites listen here. */
const MOCK_PORT = 8080;
/** Arguments for `unshare`, before the command that shall see no other network. */
const ISOLATED = ["--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
const COVERAGE_FILE = "docs/coverage.md";

try {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const folder = path.resolve(positionals[0] ?? ".upstream");
  const chosen = suites.filter(({ name }) => values.only?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error(`No such suite. There are ${suites.map(({ name }) => name).join(", ")}.`);
  mkdirSync(path.join(folder, "results"), { recursive: true });
  const runs = await runAll(chosen, folder);
  const news = runs.flatMap(newsOf);
  for (const line of news) console.log(line);
  if (news.length > 0) process.exitCode = 1;
  else if (chosen.length === suites.length) writeTables(runs);
  else console.log(tablesOf(runs));
} catch (cause) {
  explainFailure(cause, {});
}

async function runAll(chosen: readonly Suite[], folder: string): Promise<SuiteRun[]> {
  const bun = prepareBun(folder);
  for (const suite of chosen) prepareSuite(suite, folder, bun);
  const canIsolate = spawnSync("unshare", [...ISOLATED, "true"], { stdio: "ignore" }).status === 0;
  if (!canIsolate) await freePort(MOCK_PORT);
  const runs: SuiteRun[] = [];
  for (const suite of chosen) {
    console.log(`${suite.name}: running${canIsolate ? " in a network of its own" : ""} …`);
    runs.push(await runOne(suite, { folder, bun, canIsolate }));
  }
  return runs;
}

async function runOne(suite: Suite, o: { folder: string; bun: string; canIsolate: boolean }): Promise<SuiteRun> {
  const report = path.join(o.folder, "results", suite.name);
  rmSync(`${report}.xml`, { force: true });
  const command = [process.execPath, path.join(import.meta.dirname, "run-suite.ts"), suite.name, o.folder, o.bun];
  await spawnToEnd(o.canIsolate ? ["unshare", ...ISOLATED, ...command] : command);
  if (!existsSync(`${report}.xml`)) throw new Error(`${suite.name} did not come to its end; see ${report}.log`);
  const results = readResults(readFileSync(`${report}.xml`, "utf8"), readFileSync(`${report}.log`, "utf8"));
  return { suite: suite.name, commit: commitOf(suite, o.folder), results };
}

/** The exit code says no more than the report does. */
function spawnToEnd([program = "", ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}

/** What nobody knew yet, in lines to print. */
function newsOf({ suite, results }: SuiteRun): string[] {
  const failed = results.filter(({ outcome }) => outcome === "failed");
  const unknown = failed.filter((result) => reasonOf(suite, result) === undefined);
  const news = unknown.map(({ file, name, message }) => `NEW ${suite} ${file} > ${name}\n    ${message}`);
  const countMin = suites.find(({ name }) => name === suite)?.testCountMin ?? 0;
  if (results.length < countMin) news.push(`NEW ${suite}: ${results.length} tests ran, of at least ${countMin}`);
  return news;
}

function writeTables(runs: readonly SuiteRun[]): void {
  writeFileSync(COVERAGE_FILE, withTables(readFileSync(COVERAGE_FILE, "utf8"), tablesOf(runs)));
  console.log(`${COVERAGE_FILE} says what ran: ${knownFailures.length} reasons for failures are known.`);
}
