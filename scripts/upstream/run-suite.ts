/**
 * Runs one suite against stacks of its own: `node run-suite.ts <suite> <folder> <bun>`, in the same network as the suite
 * (main.ts puts both into a network namespace). Leaves `results/<suite>.xml` and `.log` in the folder; exits as bun does.
 */
import "../../stack/quiet-warnings.ts";
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { explainFailure } from "../../stack/command-line.ts";
import { startStack } from "../../stack/start-stack.ts";
import { suites } from "./suites.ts";
import type { Suite } from "./suites.ts";

/** Some tests wait for half a minute; a suite that runs this long hangs. */
const SUITE_MS_MAX = 15 * 60_000;
const TEST_MS_MAX = 20_000;

const [name = "", folder = "", bun = ""] = process.argv.slice(2);
const suite = suites.find((candidate) => candidate.name === name);
try {
  if (suite === undefined) throw new Error(`There is no suite "${name}".`);
  const stacks = await Promise.all(suite.ports.map((port) => startStack({ port })));
  process.exitCode = await runTests(suite, suite.environment(stacks));
  await Promise.all(stacks.map((stack) => stack.close()));
} catch (cause) {
  explainFailure(cause, {});
}

function runTests({ packageFolder, tests }: Suite, environment: Record<string, string>): Promise<number> {
  const results = path.join(folder, "results", name);
  const options = ["--timeout", String(TEST_MS_MAX), "--reporter=junit", `--reporter-outfile=${results}.xml`];
  return new Promise((resolve, reject) => {
    const child = spawn(bun, ["test", "--no-orphans", ...options, ...tests], {
      cwd: path.join(folder, name, packageFolder),
      // Nothing of the caller's environment: a real Upstash account in it would be emptied by these tests.
      env: { PATH: `${path.dirname(bun)}:${process.env["PATH"] ?? ""}`, HOME: folder, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: SUITE_MS_MAX,
    });
    const log = createWriteStream(`${results}.log`);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.on("error", reject);
    child.on("close", (code) => log.end(() => resolve(code ?? 1)));
  });
}
