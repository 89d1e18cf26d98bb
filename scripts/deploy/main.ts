/**
 * `npm run deploy`: checks, then the runs that live in your Redis, then the builds and the upload, then whether what is deployed answers. Each step must pass before the next begins.
 *
 *   npm run deploy -- --dry-run     everything but the upload and what comes after it; needs no account
 *   npm run deploy -- --new         nothing is deployed yet, so there are no live runs to ask about
 *   npm run deploy -- --env paid    to an account on the paid plan of Workers; `free` without it
 *   npm run deploy -- --dry-run --skip-checks
 *                                   the builds alone, for `npm test`, which has run the checks
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { buildWebIfStale } from "../../stack/build-web.ts";
import { checkApp } from "../doctor/check-app.ts";
import { devVarsFile, readEnvironment } from "../environment/read-environment.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    "dry-run": { type: "boolean", default: false },
    new: { type: "boolean", default: false },
    env: { type: "string", default: "free" },
    "skip-checks": { type: "boolean", default: false },
  },
});
const isDry = options["dry-run"];
if (!["free", "paid"].includes(options.env)) refuse(`--env is free or paid, not "${options.env}".`);
if (options["skip-checks"] && !isDry) refuse("--skip-checks goes with --dry-run: nothing is uploaded unchecked.");
// wrangler's name for what stands outside of every environment is the empty one.
const target = ["--env", options.env === "paid" ? "paid" : ""];

if (!options["skip-checks"]) step("Checks", () => run("scripts/tasks/check.ts"));
if (!isDry && !options.new) step("Live runs", () => run("scripts/runs/check-runs.ts"));
console.log("\n▸ The web app");
await buildWebIfStale();
step(isDry ? "The Worker, as it would be uploaded" : "The Worker", () => {
  return run("node_modules/wrangler/bin/wrangler.js", "deploy", ...target, ...(isDry ? ["--dry-run"] : []));
});
if (isDry) console.log("\nNothing was uploaded.");
else await smokeTest();

function refuse(words: string): never {
  console.error(words);
  process.exit(2);
}

/** Ends the program with the step's own exit code when it fails. */
function step(title: string, work: () => number): void {
  console.log(`\n▸ ${title}`);
  const exitCode = work();
  if (exitCode === 0) return;
  console.error(`\n✗ Stopped at: ${title}. Nothing after it was done.`);
  process.exit(exitCode);
}

function run(file: string, ...args: readonly string[]): number {
  return spawnSync(process.execPath, [path.join(root, file), ...args], { cwd: root, stdio: "inherit" }).status ?? 1;
}

async function smokeTest(): Promise<void> {
  console.log("\n▸ What is deployed");
  const appUrl = readEnvironment(devVarsFile).get("APP_URL")?.value.replace(/\/+$/, "") ?? "";
  const findings = await checkApp(appUrl);
  for (const { isOk, words, mend } of findings)
    console.log(`${isOk ? "✓" : "✗"} ${words}${mend === undefined ? "" : ` → ${mend}`}`);
  if (findings.every(({ isOk }) => isOk)) return;
  console.error("\n✗ It is uploaded, but does not serve. To go back: npx wrangler rollback");
  process.exitCode = 1;
}
