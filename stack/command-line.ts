/** What the programs that people start have in common: ports, Ctrl-C, and failures in words. */
import { FolderInUseError } from "./folder-in-use.ts";
import { PortTakenError } from "./port-taken.ts";

/** @throws Error in words for anything that is no port. */
export function parsePort(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined || text === "") return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`${name} must be a port from 0 to 65535, not "${text}".`);
  return port;
}

/** Undefined when there is no text. @throws Error in words for anything that is no number of bytes. */
export function parseBytes(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name} must be a number of bytes, not "${text}".`);
  return Number(text);
}

/** One request to stop may come twice: to the whole process group, and from the parent, which passes it on. */
const echoMsMax = 500;

/** Runs `stop` at the first Ctrl-C, SIGTERM or SIGHUP and exits when it is done; at the next one exits at once. */
export function onInterrupt(stop: () => Promise<void>): void {
  let stoppedAtMs: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stoppedAtMs !== undefined) {
        if (performance.now() - stoppedAtMs > echoMsMax) process.exit(130);
        return;
      }
      stoppedAtMs = performance.now();
      console.log("\nStopping …");
      stop().then(
        () => process.exit(0),
        (cause: unknown) => explainFailure(cause, {}),
      );
    });
  }
}

/** Says what failed, and for a taken port or folder how to choose another, then exits 1. */
export function explainFailure(cause: unknown, o: { portSetting?: string; folderSetting?: string }): never {
  const message = cause instanceof Error ? cause.message : String(cause);
  console.error(message);
  if (cause instanceof PortTakenError && o.portSetting !== undefined) {
    console.error(`Stop that program, or choose another port: ${o.portSetting}.`);
  }
  if (cause instanceof FolderInUseError && o.folderSetting !== undefined) {
    console.error(`Stop it, or choose another folder: ${o.folderSetting}.`);
  }
  process.exit(1);
}
