/** Bare workerd with one bundled Worker, and the CPU time that its process has used. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { build } from "esbuild";
import { createRequire } from "node:module";
import { freePort } from "../stack/free-port.ts";
import { processCpuMs } from "./process-cpu.ts";

const root = join(import.meta.dirname, "..");
/** The package exports the path of the binary for this machine, and has no types. */
const binary = (createRequire(import.meta.url)("workerd") as { default: string }).default;

export interface Workerd {
  readonly url: string;
  /** User and system time of the process so far. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

export interface WorkerdOptions {
  /** Answers `/ready`. */
  readonly entry: string;
  /** Texts of the environment; `url` is where the Worker is. */
  readonly bindings?: (url: string) => Record<string, string>;
  /** Where the debugger listens; absent for none. */
  readonly inspectorPort?: number;
}

export async function startWorkerd({ entry, bindings, inspectorPort }: WorkerdOptions): Promise<Workerd> {
  const port = await freePort(0);
  const folder = join(root, "bench/.tmp", `workerd-${port}`);
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: [entry],
    outfile: join(folder, "worker.js"),
    bundle: true,
    minify: inspectorPort === undefined,
    alias: { "@upstash/core-analytics": join(root, "src/upstash/no-analytics.ts") },
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    logLevel: "error",
  });
  const url = `http://127.0.0.1:${port}`;
  await writeFile(join(folder, "config.capnp"), config(port, bindings?.(url) ?? {}));
  const debugging = inspectorPort === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspectorPort}`];
  const child = spawn(binary, ["serve", join(folder, "config.capnp"), ...debugging], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  await untilReady(url);
  return {
    url,
    cpuMs: () => processCpuMs(child.pid ?? 0),
    async close() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await wait(50);
  }
  throw new Error("workerd did not come up");
}

function config(port: number, bindings: Record<string, string>): string {
  const texts = Object.entries(bindings).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .bench),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const bench :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [${texts.join(", ")}],
);
`;
}
