import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Suite } from "./suites.ts";

const BUN_VERSION = "1.4.5";

/** Installs bun from npm into `folder`, unless it is there. Returns the path of its program. */
export function prepareBun(folder: string): string {
  const home = path.join(folder, "bun");
  const program = path.join(home, "node_modules", ".bin", "bun");
  if (versionOf(program) === BUN_VERSION) return program;
  mkdirSync(home, { recursive: true });
  writeFileSync(path.join(home, "package.json"), JSON.stringify({ private: true, allowScripts: { bun: true } }));
  run("npm", ["install", "--no-audit", "--no-fund", "--save-exact", `bun@${BUN_VERSION}`], home);
  return program;
}

/** Clones the suite's repository into `folder`, unless it is there, and installs what it depends on and lacks. */
export function prepareSuite(suite: Suite, folder: string, bun: string): void {
  const repository = path.join(folder, suite.name);
  if (!existsSync(repository)) {
    run("git", ["clone", "--depth", "1", `https://github.com/upstash/${suite.name}`, repository], folder);
  }
  const lock = suite.isLocked ? ["--frozen-lockfile"] : [];
  run(bun, ["install", "--ignore-scripts", ...lock], path.join(repository, suite.packageFolder));
}

/** The commit that was tested, short, with its date. */
export function commitOf(suite: Suite, folder: string): string {
  const format = ["log", "-1", "--format=%h of %cs"];
  return execFileSync("git", format, { cwd: path.join(folder, suite.name), encoding: "utf8" }).trim();
}

function versionOf(program: string): string | undefined {
  if (!existsSync(program)) return undefined;
  return spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.trim();
}

/** @throws Error in words when the program fails. */
function run(program: string, args: readonly string[], cwd: string): void {
  console.log(`${program} ${args.join(" ")}`);
  const { status, error } = spawnSync(program, args, { cwd, stdio: "inherit" });
  if (error !== undefined) throw new Error(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ""} failed; its message is above`);
}
