/**
 * `npm run deploy`: checks, then the runs that live in your Redis, then the builds and the upload, then whether what is deployed answers. Each step must pass before the next begins.
 *
 *   npm run deploy -- --dry-run     everything but the upload and what comes after it; needs no account
 *   npm run deploy -- --new         nothing is deployed yet, so there are no live runs to ask about
 *   npm run deploy -- --env paid    to an account on the paid plan of Workers; `free` without it
 *   npm run deploy -- --file .dev.vars.production
 *                                   the address of the app and its Redis from there; from `.dev.vars` without it
 *   npm run deploy -- --dry-run --skip-checks
 *                                   the builds alone, for `npm test`, which has run the checks
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildWebIfStale } from "../../stack/build-web.ts";
import { checkApp } from "../doctor/check-app.ts";
import { findingFor, readOptions, refuse, statedFileOrEnd } from "../environment/command-line.ts";
import type { Finding } from "../environment/finding.ts";
import { isPublicUrl } from "../environment/is-public-url.ts";
import { devVarsFile, readOwn } from "../environment/read-environment.ts";
import { deploy } from "./deploy.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const options = readOptions({
  "dry-run": { type: "boolean", default: false },
  new: { type: "boolean", default: false },
  env: { type: "string", default: "free" },
  file: { type: "string", default: devVarsFile },
  "skip-checks": { type: "boolean", default: false },
});
const isDry = options["dry-run"];
if (!["free", "paid"].includes(options.env)) refuse(`--env is free or paid, not "${options.env}".`);
if (options["skip-checks"] && !isDry) refuse("--skip-checks goes with --dry-run: nothing is uploaded unchecked.");
// Without what `npm start` has set: the app on this machine would answer in the place of the deployed one.
const file = statedFileOrEnd(options.file);
const appUrl = readOwn(file).get("APP_URL")?.value.replace(/\/+$/, "") ?? "";
if (!isDry && !isPublicUrl(appUrl)) {
  const state = appUrl === "" ? "is not set" : `is ${appUrl}, which the internet does not reach`;
  refuse(`APP_URL ${state}: nobody could ask what is deployed.\n→ APP_URL=https://… npm run deploy`);
}
process.exitCode = await deploy(
  {
    isDry,
    isNew: options.new,
    skipsChecks: options["skip-checks"],
    plan: options.env === "paid" ? "paid" : "free",
    appUrl,
    file,
  },
  { run, buildWeb: buildWebIfStale, examine, print: (line) => console.log(line) },
);

async function examine(url: string): Promise<readonly Finding[]> {
  return (await checkApp(url)).map((finding) => findingFor(finding, file));
}

function run(program: string, ...args: readonly string[]): number {
  return spawnSync(process.execPath, [path.join(root, program), ...args], { cwd: root, stdio: "inherit" }).status ?? 1;
}
