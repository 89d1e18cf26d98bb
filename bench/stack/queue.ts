/** Tiny messages through the local QStash: accepted, signed, delivered; and messages that only wait. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import { startProgram, type Program } from "../program.ts";
import { openRawClient, requestBytes } from "./raw-client.ts";

/** How the stack keeps its state. */
const keepings = ["memory", "persist"] as const;
type Keeping = (typeof keepings)[number];

/** One value a round. CPU is that of the stack's process, for each message. */
export interface DeliverySample {
  keeping: Keeping;
  deliveriesPerSecond: number[];
  cpuMs: number[];
}

/** CPU is that of the stack's process. */
export interface IdleSample {
  waitingCount: number;
  /** In `idleWatchedMs`, one value a round. */
  idleCpuMs: number[];
  acceptCpuMsEach: number;
  cancelCpuMsEach: number;
}

export const deliveryCount = 3_000;
export const idleWatchedMs = 5_000;
const connectionCount = 16;
const authorization = `Bearer ${LOCAL_CREDENTIALS.qstashToken}`;

export async function measureDeliveries(rounds: number): Promise<DeliverySample[]> {
  const samples = keepings.map((keeping): DeliverySample => ({ keeping, deliveriesPerSecond: [], cpuMs: [] }));
  const sink = await startProgram([join(import.meta.dirname, "sink.ts")], /port (\d+)/);
  const stacks = { memory: await startStack("memory"), persist: await startStack("persist") };
  try {
    const sinkUrl = `http://127.0.0.1:${sink.match[1]}/`;
    for (let round = -1; round < rounds; round += 1) {
      for (const sample of round % 2 === 0 ? samples : samples.toReversed()) {
        const { perSecond, cpuMs } = await deliverAll(stacks[sample.keeping].program, sinkUrl);
        // The first round warms the compiler up.
        if (round < 0) continue;
        sample.deliveriesPerSecond.push(perSecond);
        sample.cpuMs.push(cpuMs);
      }
    }
  } finally {
    await Promise.all([sink.close(), stacks.memory.close(), stacks.persist.close()]);
  }
  return samples;
}

async function deliverAll(stack: Program, sinkUrl: string): Promise<{ perSecond: number; cpuMs: number }> {
  const delivered = async (): Promise<number> => Number(await (await fetch(sinkUrl)).text());
  const goal = (await delivered()) + deliveryCount;
  const startedAtMs = performance.now();
  const cpuMs = await cpuOf(stack, async () => {
    await publish(stack, { destination: sinkUrl, count: deliveryCount });
    while ((await delivered()) < goal) await wait(5);
  });
  return { perSecond: (deliveryCount * 1_000) / (performance.now() - startedAtMs), cpuMs: cpuMs / deliveryCount };
}

/** Nothing waits, or as many as the goal names. */
export async function measureIdle(rounds: number): Promise<IdleSample[]> {
  const samples: IdleSample[] = [];
  for (const waitingCount of [0, 10_000]) {
    const { program, close } = await startStack("memory");
    try {
      const destination = "http://127.0.0.1:9/";
      const headers = { "Upstash-Delay": "1d" };
      const acceptCpuMs = await cpuOf(program, () => publish(program, { destination, count: waitingCount, headers }));
      const idleCpuMs: number[] = [];
      for (let round = 0; round < rounds; round += 1) idleCpuMs.push(await cpuOf(program, () => wait(idleWatchedMs)));
      const cancelCpuMs = await cpuOf(program, () => cancelAll(program));
      const each = (ms: number): number => (waitingCount === 0 ? 0 : ms / waitingCount);
      samples.push({
        waitingCount,
        idleCpuMs,
        acceptCpuMsEach: each(acceptCpuMs),
        cancelCpuMsEach: each(cancelCpuMs),
      });
    } finally {
      await close();
    }
  }
  return samples;
}

async function cancelAll(stack: Program): Promise<void> {
  await fetch(`${stack.match[1]}/v2/messages`, { method: "DELETE", headers: { authorization } });
}

async function cpuOf(stack: Program, work: () => Promise<void>): Promise<number> {
  const beforeMs = await stack.cpuMs();
  await work();
  return (await stack.cpuMs()) - beforeMs;
}

async function publish(
  stack: Program,
  o: { destination: string; count: number; headers?: Record<string, string> },
): Promise<void> {
  const bytes = requestBytes({
    method: "POST",
    path: `/v2/publish/${o.destination}`,
    headers: { Authorization: authorization, "Content-Type": "application/json", ...o.headers },
    body: '{"run":"run_0123456789","segment":7}',
  });
  const port = Number(new URL(stack.match[1] ?? "").port);
  let left = o.count;
  const lanes = Array.from({ length: connectionCount }, async () => {
    const client = await openRawClient(port);
    while (left-- > 0) {
      const status = await client.request(bytes);
      if (status !== 201) throw new Error(`the stack answered ${status}`);
    }
    client.close();
  });
  await Promise.all(lanes);
}

async function startStack(keeping: Keeping): Promise<{ program: Program; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "skipstone-bench-"));
  const main = join(import.meta.dirname, "../../stack/main.ts");
  const persist = keeping === "persist" ? ["--persist", folder] : [];
  const program = await startProgram([main, "--port", "0", ...persist], /running at (http:\S+)/);
  return {
    program,
    async close() {
      await program.close();
      await rm(folder, { recursive: true });
    },
  };
}
