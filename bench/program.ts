import { spawn } from "node:child_process";
import { processCpuMs } from "./process-cpu.ts";

export interface Program {
  /** What the first line that was waited for says. */
  match: RegExpExecArray;
  /** User and system time so far. */
  cpuMs(): Promise<number>;
  /** Resolves when the process is gone. */
  close(): Promise<void>;
}

/** Starts a Node program and waits for what it prints. It ends with us. @throws Error when it ends first. */
export function startProgram(args: readonly string[], wanted: RegExp): Promise<Program> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const killWithUs = (): void => void child.kill("SIGKILL");
    process.once("exit", killWithUs);
    const exited = new Promise<void>((gone) => child.once("exit", () => gone()));
    void exited.then(() => reject(new Error(`${args[0]} ended: ${text}`)));
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const match = wanted.exec(text);
      if (match === null) return;
      resolve({
        match,
        cpuMs: () => processCpuMs(child.pid ?? 0),
        async close() {
          process.removeListener("exit", killWithUs);
          child.kill("SIGKILL");
          await exited;
        },
      });
    });
  });
}
