/**
 * Starts a program that is certain to end with us.
 *
 * The program runs under `process-guard.ts` in a process group of its own. The guard holds the other end of a pipe; when it
 * closes, because we asked or because we were killed, the guard ends the whole group. So not even `kill -9` of the
 * supervisor leaves a workerd behind that holds the port. (On Windows there are no groups; there only the program ends.)
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readLines } from "./read-lines.ts";

export interface GuardedProcess {
  /** The exit code, once the program and the guard are gone; null when a signal ended them. */
  exited: Promise<number | null>;
  hasExited(): boolean;
  /** Ends the program and everything that it started. Resolves when they are gone. */
  stop(): Promise<void>;
}

/** @param o.onLine gets each line of stdout and stderr, without its line end. */
export function startGuarded(o: {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string | undefined>;
  onLine(line: string): void;
}): GuardedProcess {
  const guard = fileURLToPath(new URL("./process-guard.ts", import.meta.url));
  const child = spawn(process.execPath, [guard, o.file, ...o.args], {
    cwd: o.cwd,
    env: o.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) readLines(stream, o.onLine);
  // The guard may be gone when we close the pipe; that is what we wanted.
  child.stdin.on("error", () => {});
  let isGone = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("close", (code) => resolve(code));
  }).finally(() => {
    isGone = true;
  });
  return {
    exited,
    hasExited: () => isGone,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
