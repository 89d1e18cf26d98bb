/** Restate's server beside a service on its SDK in Node, driven over its HTTP ingress. */
import { spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { processCpuMs } from "../process-cpu.ts";
import { startProgram } from "../program.ts";
import { freePort } from "../../stack/free-port.ts";
import type { Contender } from "./contender.ts";

const bench = join(import.meta.dirname, "..");
const binary = join(bench, "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server");
const data = join(bench, ".tmp/restate");

export async function startRestate(): Promise<Contender & { close(): Promise<void> }> {
  const [ingress, admin, node, service] = [await freePort(0), await freePort(0), await freePort(0), await freePort(0)];
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true });
  const handlers = await startProgram(
    [join(import.meta.dirname, "restate-service.mjs"), String(service)],
    /serving at/,
  );
  const server = spawn(binary, ["--base-dir", data], {
    stdio: "ignore",
    env: {
      ...process.env,
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}/`,
      DO_NOT_TRACK: "1",
    },
  });
  process.once("exit", () => server.kill("SIGKILL"));
  await register(admin, service);
  return {
    name: "Restate",
    durability: "its log and RocksDB on disk, as the server is configured when it comes",
    async run(steps) {
      const response = await fetch(`http://127.0.0.1:${ingress}/counting/run`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(steps),
      });
      const answer = await response.text();
      if (answer !== String(steps)) throw new Error(`Restate answered ${response.status} ${answer}`);
    },
    cpuMs: async () => (await processCpuMs(server.pid ?? 0)) + (await handlers.cpuMs()),
    async close() {
      server.kill("SIGKILL");
      await handlers.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** The server needs a few seconds until it takes a deployment, and a moment until the ingress knows it. */
async function register(admin: number, service: number): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ uri: `http://127.0.0.1:${service}` }),
    }).catch(() => undefined);
    if (answer?.ok) return wait(1_000);
    await wait(250);
  }
  throw new Error("Restate did not come up");
}
