/** Builds the web app into `dist/web`, where the Worker's static assets are read, if it is missing or out of date. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * True when it built. The new build replaces the old one at the end, so nobody serves half of it, and two builds at once
 * do not spoil each other.
 *
 * @throws Error with what vite printed.
 */
export async function buildWebIfStale(): Promise<boolean> {
  const target = path.join(ROOT, "dist", "web");
  if (!isStale(path.join(target, "index.html"))) return false;
  const fresh = path.join(ROOT, "dist", `.web-${process.pid}`);
  await runVite(["build", "--config", "web/vite.config.ts", "--outDir", fresh, "--emptyOutDir", "--logLevel", "warn"]);
  const old = `${fresh}-old`;
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
  return true;
}

function isStale(builtFile: string): boolean {
  if (!existsSync(builtFile)) return true;
  const builtAtMs = statSync(builtFile).mtimeMs;
  return ["web", "package-lock.json"].some((source) => newestMs(path.join(ROOT, source)) > builtAtMs);
}

function newestMs(file: string): number {
  const found = statSync(file);
  if (!found.isDirectory()) return found.mtimeMs;
  const inside = readdirSync(file)
    .filter((name) => name !== "node_modules")
    .map((name) => newestMs(path.join(file, name)));
  return Math.max(found.mtimeMs, ...inside);
}

function runVite(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const vite = path.join(ROOT, "node_modules", "vite", "bin", "vite.js");
    const child = spawn(process.execPath, [vite, ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => (printed += text.toString()));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The web app could not be built:\n${printed}`));
    });
  });
}
