/** The built Worker in a bare workerd over the local stack: a process of its own, that can be killed and comes back at the same address. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { appBindings } from "../../stack/app-bindings.ts";
import { startCron } from "../../stack/cron.ts";
import { freePort } from "../../stack/free-port.ts";
import { PortTakenError } from "../../stack/port-taken.ts";
import { readLines } from "../../stack/read-lines.ts";
import type { RunningStack } from "../../stack/start-stack.ts";
import { createSecretWatch, throwAny, type SecretWatch } from "../support/secret-lines.ts";

export interface WorkerdApp {
  readonly url: string;
  /** Of the process that runs now. */
  pid(): number;
  /** Where its inspector listens, if it was asked for one. */
  readonly inspector: string | undefined;
  /** Sends SIGKILL and starts it anew; resolves when it answers. What it was doing is lost. */
  killAndRestart(): Promise<void>;
  /** Resolves when it answers: at once, or after the restart that is under way. */
  whenUp(): Promise<void>;
  /** Notes what must not be printed, beside the app's own keys. */
  readonly noteSecret: (secret: string) => void;
  /** @throws AggregateError of the lines that held a secret, over all its lives. */
  close(): Promise<void>;
}

export interface WorkerdAppOptions {
  readonly isInspected?: boolean;
  /** From debug on all is searched for secrets, which takes its time. */
  readonly logLevel?: "debug" | "error";
}

const workerFolder = fileURLToPath(new URL("../../dist/worker", import.meta.url));
/** The package exports the path of the binary for this machine, and has no types. */
const binary = (createRequire(import.meta.url)("workerd") as { default: string }).default;

const upPauseMs = 20;
const upAttemptsMax = 1_000;
const upAnswerMsMax = 5_000;

export async function startWorkerdApp(
  stack: RunningStack,
  { isInspected = false, logLevel = "debug" }: WorkerdAppOptions = {},
): Promise<WorkerdApp> {
  const port = await lastingPort();
  const inspector = isInspected ? `127.0.0.1:${await lastingPort()}` : undefined;
  const url = `http://127.0.0.1:${port}`;
  const folder = await mkdtemp(path.join(tmpdir(), "skipstone-workerd-"));
  const bindings: Record<string, string> = { ...appBindings(stack, url), LOG_LEVEL: logLevel };
  const watch = createSecretWatch(bindings);
  const config = path.join(folder, "config.capnp");
  // What is embedded has to lie beside the configuration.
  await cp(workerFolder, folder, { recursive: true });
  await writeFile(config, configText(port, bindings, await readdir(workerFolder)));
  const args = ["serve", ...(inspector === undefined ? [] : [`--inspector-addr=${inspector}`]), config];
  let child = await start(args, url, watch);
  process.once("exit", () => child.kill("SIGKILL"));
  let up = Promise.resolve();
  // Bare workerd fires no cron trigger; operators may call the sweep instead.
  const headers = { "x-internal-key": bindings["INTERNAL_SYSTEM_KEY"] ?? "" };
  const stopCron = startCron(stack.clock, () => fetch(`${url}/api/engine/resume`, { method: "POST", headers }));

  async function restart(): Promise<void> {
    await kill(child);
    child = await start(args, url, watch);
  }

  return {
    url,
    inspector,
    pid: () => child.pid ?? 0,
    killAndRestart: () => (up = restart()),
    whenUp: () => up,
    noteSecret: (secret) => watch.note(secret),
    async close() {
      stopCron();
      await up;
      await kill(child);
      await rm(folder, { recursive: true });
      throwAny(watch.leaks());
    },
  };
}

/**
 * Below the range from which the system takes ports for outgoing connections (Source: Linux, ip_local_port_range): one of hundreds could take it between two lives of
 * the app, even one to that very port, which would be connected to itself.
 */
async function lastingPort(): Promise<number> {
  for (;;) {
    try {
      return await freePort(20_000 + Math.floor(Math.random() * 10_000));
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error;
    }
  }
}

async function start(args: readonly string[], url: string, watch: SecretWatch): Promise<ChildProcess> {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) readLines(stream, (line) => takeLine(line, watch));
  for (let attempt = 0; attempt < upAttemptsMax; attempt += 1) {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(upAnswerMsMax) }).catch(() => undefined);
    if (answer?.ok === true) return child;
    if (child.exitCode !== null) throw new Error(`workerd ended with ${child.exitCode} before it came up`);
    await wait(upPauseMs);
  }
  await kill(child);
  throw new Error("workerd did not come up");
}

/** For the search at the end; what is wrong is for people, too. */
function takeLine(line: string, watch: SecretWatch): void {
  watch.take(line);
  if (!/"level":"(?:debug|info|warn)"/.test(line)) console.log(line);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function configText(port: number, bindings: Record<string, string>, files: readonly string[]): string {
  // The first module is the Worker, the others are what it imports.
  const modules = files
    .filter((file) => file.endsWith(".js"))
    .toSorted((a, b) => Number(b === "worker.js") - Number(a === "worker.js"))
    .map((file) => `(name = "${file}", esModule = embed "${file}")`);
  const texts = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .app),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const app :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  compatibilityDate = "2026-11-09",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [${texts.join(", ")}],
);
`;
}
