/** Installs the peers' packages into `bench/node_modules` when they are first needed. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..");
const installMsMax = 5 * 60_000;

/** False, with a line that says so, where they cannot be had: the bench goes on without them. */
export function installPeers(): boolean {
  if (existsSync(join(folder, "node_modules/@restatedev/restate-sdk"))) return true;
  console.error("Installing the peers into bench/node_modules (once, 230 MB) …");
  const install = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"], {
    cwd: folder,
    stdio: "inherit",
    timeout: installMsMax,
  });
  if (install.status === 0) return true;
  console.error("The registry cannot be reached: the bench goes on without Restate.");
  return false;
}
