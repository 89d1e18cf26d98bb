/**
 * Runs the Worker under `wrangler dev` against a running stack, as `npm start`, the demo and the browser tests need it.
 *
 * The bindings go into a generated file under `.stack/`; a `.dev.vars` of the developer is read after it and wins where it
 * is not empty, and is never written. Nothing here reaches the network: metrics, error reports, the update check of the banner and the look-up of
 * `request.cf` are off.
 *
 * Wrangler fires no cron trigger by itself, so the one of `wrangler.toml` is fired from here, at the minutes of the stack's clock.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { appBindings } from "./app-bindings.ts";
import { startCron } from "./cron.ts";
import { devVarsFile } from "./dev-vars.ts";
import { writeEnvFiles } from "./env-files.ts";
import { freePort } from "./free-port.ts";
import { startGuarded } from "./guarded-process.ts";
import type { GuardedProcess } from "./guarded-process.ts";
import type { RunningStack } from "./start-stack.ts";

export interface RunningApp {
  url: string;
  port: number;
  /** Resolves when wrangler ended, by `close` or by itself. */
  exited: Promise<number | null>;
  /** Stops wrangler and workerd and waits until they are gone. A second call does nothing more. */
  close(): Promise<void>;
}

export interface StartAppOptions {
  /** 0 takes any free port. */
  port: number;
  stack: RunningStack;
  /** Bindings that replace ours. */
  bindings?: Record<string, string>;
  /** Reads `.dev.vars` after the generated bindings; off by default, so that tests do not depend on it. */
  usesDevVars?: boolean;
  /** Every line that wrangler and the Worker print. */
  onLine?(line: string): void;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const READY_MS_MAX = 60_000;
const POLL_MS = 50;
/** After an error, wrangler waits for a changed file for ever; we do not. */
const READY_AFTER_ERROR_MS_MAX = 3_000;
const LINES_KEPT_MAX = 60;

/**
 * Resolves once `/health` of the app answers 200. `dist/web` must exist, see `build-web.ts`.
 *
 * @throws PortTakenError, or an Error with what wrangler printed when the app does not come up.
 */
export async function startApp(o: StartAppOptions): Promise<RunningApp> {
  const port = await freePort(o.port);
  const url = `http://127.0.0.1:${port}`;
  const folder = path.join(ROOT, ".stack", `app-${port}`);
  const devVars = o.usesDevVars === true ? devVarsFile() : undefined;
  const envFiles = writeEnvFiles(folder, { ...appBindings(o.stack, url), ...o.bindings }, devVars);

  const lines: string[] = [];
  let errorAtMs: number | undefined;
  const guarded = startGuarded({
    file: path.join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js"),
    args: wranglerArguments(port, envFiles),
    cwd: ROOT,
    env: { ...process.env, ...quietEnvironment(folder) },
    onLine(line) {
      lines.push(line);
      if (lines.length > LINES_KEPT_MAX) lines.shift();
      if (/\[ERROR\]|wrangler:error|✘/.test(line)) errorAtMs ??= Date.now();
      o.onLine?.(line);
    },
  });
  const isLost = (): boolean => errorAtMs !== undefined && Date.now() - errorAtMs > READY_AFTER_ERROR_MS_MAX;
  const problem = await waitForHealth(url, guarded, isLost);
  if (problem !== undefined) {
    await guarded.stop();
    throw new Error(`The app did not come up: ${problem}. It printed:\n${lines.join("\n")}`);
  }
  const stopCron = startCron(o.stack.clock, () => fetch(`${url}/cdn-cgi/handler/scheduled`));
  return {
    url,
    port,
    exited: guarded.exited,
    close() {
      stopCron();
      return guarded.stop();
    },
  };
}

/** Undefined when the app answers, else why it does not. */
async function waitForHealth(url: string, guarded: GuardedProcess, isLost: () => boolean): Promise<string | undefined> {
  const untilMs = Date.now() + READY_MS_MAX;
  let last = "no answer";
  while (Date.now() < untilMs) {
    if (guarded.hasExited()) return "wrangler ended";
    if (isLost()) return `wrangler reported an error and ${url}/health says: ${last}`;
    try {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
      const text = await response.text();
      if (response.ok) return undefined;
      last = `${response.status} ${text}`;
    } catch (cause) {
      last = cause instanceof Error ? cause.message : String(cause);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return `after ${READY_MS_MAX / 1000} s ${url}/health says: ${last}`;
}

function wranglerArguments(port: number, envFiles: readonly string[]): string[] {
  return [
    "dev",
    "--port",
    String(port),
    "--ip",
    "127.0.0.1",
    "--local",
    "--show-interactive-dev-session=false",
    // Any free port: the fixed 9229 belongs to whichever debugger came first.
    "--inspector-port",
    "0",
    ...envFiles.flatMap((file) => ["--env-file", file]),
  ];
}

function quietEnvironment(folder: string): Record<string, string> {
  return {
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_LOG_PATH: path.join(folder, "wrangler.log"),
    WRANGLER_REGISTRY_PATH: path.join(folder, "registry"),
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    FORCE_COLOR: "0",
    NO_COLOR: "1",
  };
}
