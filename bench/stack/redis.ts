/** One Redis command over REST: the stack's front against a bare shim, in turn. */
import { join } from "node:path";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import { startProgram } from "../program.ts";
import { openRawClient, requestBytes, type RawClient } from "./raw-client.ts";

const names = ["front", "shim"] as const;

export interface RedisSample {
  /** One value a round: milliseconds of one command at a time, one after the other. */
  latencyMs: Record<(typeof names)[number], number[]>;
  /** CPU milliseconds of the server process for each command, many at once. */
  cpuMs: Record<(typeof names)[number], number[]>;
}

const sequentialCount = 2_000;
const parallelCount = 10_000;
const connectionCount = 32;

export async function measureRedis(rounds: number): Promise<RedisSample> {
  const program = await startProgram([join(import.meta.dirname, "redis-servers.ts")], /(\d+) (\d+)/);
  const [, frontPort, shimPort] = program.match;
  const ports = { front: Number(frontPort), shim: Number(shimPort) };
  const sample: RedisSample = { latencyMs: { front: [], shim: [] }, cpuMs: { front: [], shim: [] } };
  try {
    for (let round = -2; round < rounds; round += 1) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const latencyMs = await sequential(ports[name]);
        const beforeMs = await program.cpuMs();
        await parallel(ports[name]);
        const cpuMs = ((await program.cpuMs()) - beforeMs) / parallelCount;
        // The first rounds warm the compiler up.
        if (round < 0) continue;
        sample.latencyMs[name].push(latencyMs);
        sample.cpuMs[name].push(cpuMs);
      }
    }
  } finally {
    await program.close();
  }
  return sample;
}

async function sequential(port: number): Promise<number> {
  const client = await openRawClient(port);
  const startedAtMs = performance.now();
  await send(client, () => true, sequentialCount);
  client.close();
  return (performance.now() - startedAtMs) / sequentialCount;
}

async function parallel(port: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: connectionCount }, () => openRawClient(port)));
  let left = parallelCount;
  await Promise.all(clients.map((client) => send(client, () => left-- > 0, parallelCount)));
  for (const client of clients) client.close();
}

const write = command("SET", "bench:key", "a value of some length, as a session has it");
const read = command("GET", "bench:key");

async function send(client: RawClient, mayGoOn: () => boolean, countMax: number): Promise<void> {
  for (let index = 0; index < countMax && mayGoOn(); index += 1) {
    const status = await client.request(index % 2 === 0 ? write : read);
    if (status !== 200) throw new Error(`the server answered ${status}`);
  }
}

/** With the headers that the SDK sends, but for those that only it can read. */
function command(...words: string[]): Buffer {
  const headers = { Authorization: `Bearer ${LOCAL_CREDENTIALS.redisToken}`, "Content-Type": "application/json" };
  // The shim does not look at the path.
  return requestBytes({ method: "POST", path: "/redis", headers, body: JSON.stringify(words) });
}
