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
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { appBindings } from "./app-bindings.ts";
import { startCron } from "./cron.ts";
import { devVarsFile } from "./dev-vars.ts";
import { appFolder, writeEnvFiles } from "./env-files.ts";
import { freePort } from "./free-port.ts";
import { startGuarded } from "./guarded-process.ts";
import type { GuardedProcess } from "./guarded-process.ts";
import { startLasting, type LastingProcess } from "./lasting-process.ts";
import type { RunningStack } from "./start-stack.ts";
import { watchHealth } from "./watch-health.ts";

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
  /**
   * Where it is given, wrangler is started anew when the Worker no longer answers, and what happens is said to it. A workerd that was killed is started again by wrangler, which then
   * says that it is ready and answers nothing (wrangler 4).
   */
  onRevival?(sentence: string): void;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const READY_MS_MAX = 60_000;
const POLL_MS = 50;
/** After an error, wrangler waits for a changed file for ever; we do not. */
const READY_AFTER_ERROR_MS_MAX = 3_000;
const LINES_KEPT_MAX = 60;
const LOOK_PAUSE_MS = 5_000;
const LOOK_ANSWER_MS_MAX = 5_000;
/** With their pauses some 40 s: a Worker that is being built again is slow, not lost. */
const LOOKS_FAILED_MAX = 4;

/**
 * Resolves once `/health` of the app answers 200. `dist/web` must exist, see `build-web.ts`.
 *
 * @throws PortTakenError, or an Error with what wrangler printed when the app does not come up.
 */
export async function startApp(o: StartAppOptions): Promise<RunningApp> {
  const port = await freePort(o.port);
  const url = `http://127.0.0.1:${port}`;
  const folder = appFolder(port);
  const devVars = o.usesDevVars === true ? devVarsFile() : undefined;
  const envFiles = writeEnvFiles(folder, { ...appBindings(o.stack, url), ...o.bindings }, devVars);

  const lines: string[] = [];
  let errorAtMs: number | undefined;
  let isBuilding = false;
  function onLine(line: string): void {
    lines.push(line);
    if (lines.length > LINES_KEPT_MAX) lines.shift();
    if (/\[ERROR\]|wrangler:error|✘/.test(line)) errorAtMs ??= Date.now();
    if (line.startsWith("[custom build] Running")) isBuilding = true;
    else if (/\b(?:Ready on http|updated and ready)\b/i.test(line)) isBuilding = false;
    o.onLine?.(line);
  }
  const wrangler = startLasting(() =>
    startGuarded({
      file: path.join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js"),
      args: wranglerArguments(port, envFiles),
      cwd: ROOT,
      env: { ...process.env, ...quietEnvironment(folder) },
      onLine,
    }),
  );
  const isLost = (): boolean => errorAtMs !== undefined && Date.now() - errorAtMs > READY_AFTER_ERROR_MS_MAX;
  const problem = await waitForHealth(url, wrangler, isLost);
  if (problem !== undefined) {
    await wrangler.stop();
    throw new Error(`The app did not come up: ${problem}. It printed:\n${lines.join("\n")}`);
  }
  const stopCron = startCron(o.stack.clock, () => fetch(`${url}/cdn-cgi/handler/scheduled`));
  const stopWatch =
    o.onRevival === undefined
      ? () => {}
      : keepAnswering({ url, wrangler, isBuilding: () => isBuilding, say: o.onRevival });
  return {
    url,
    port,
    exited: wrangler.exited,
    close() {
      stopWatch();
      stopCron();
      return wrangler.stop();
    },
  };
}

/**
 * @param o.isBuilding Wrangler holds what it is asked while it builds, and after a build that failed until the source is mended: that is for whoever wrote it, and
 * wrangler would not start anew with it either.
 * @returns ends it.
 */
function keepAnswering(o: {
  url: string;
  wrangler: LastingProcess;
  isBuilding: () => boolean;
  say: (sentence: string) => void;
}): () => void {
  const { url, wrangler, isBuilding, say } = o;
  async function answers(): Promise<boolean> {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(LOOK_ANSWER_MS_MAX) });
    await response.body?.cancel();
    return response.ok;
  }

  return watchHealth({
    isHealthy: async () => isBuilding() || (await answers().catch(() => isBuilding())),
    pause: () => wait(LOOK_PAUSE_MS, undefined, { ref: false }),
    failuresMax: LOOKS_FAILED_MAX,
    async onLost() {
      say("The Worker does not answer any more; wrangler is started anew.");
      await wrangler.replace();
      const problem = await waitForHealth(url, wrangler, () => false);
      if (!wrangler.hasExited()) say(problem === undefined ? "The Worker answers again." : `Not yet: ${problem}.`);
    },
  });
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
