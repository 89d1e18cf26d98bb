/**
 * Runs a Node program and ends it, with all that it started, when stdin closes. Started by `guarded-process.ts`.
 *
 *   node process-guard.ts <file> [arguments]
 */
import { spawn } from "node:child_process";
import { argv, execPath } from "node:process";

/** What does not leave by then is killed. */
const LEAVE_MS_MAX = 4_000;

const [file = "", ...args] = argv.slice(2);
const program = spawn(execPath, [file, ...args], { stdio: ["ignore", "inherit", "inherit"] });

// A signal to the group reaches the guard too, and it must outlive the others.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.stdin.resume();
process.stdin.once("end", endAll);
process.stdin.once("error", endAll);
program.once("error", () => process.exit(1));
program.once("exit", (code) => {
  signalGroup("SIGTERM");
  process.exit(code ?? 1);
});

function endAll(): void {
  signalGroup("SIGTERM");
  setTimeout(() => signalGroup("SIGKILL"), LEAVE_MS_MAX).unref();
}

function signalGroup(signal: NodeJS.Signals): void {
  try {
    if (process.platform === "win32") program.kill(signal);
    else process.kill(-process.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}
