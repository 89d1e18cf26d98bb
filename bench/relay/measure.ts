/** CPU per request of each relay, round by round, so that a noisy minute of the machine hits all of them. */
import { startUpstream } from "./upstream.ts";
import { startWorkerd } from "../workerd.ts";
import { join } from "node:path";

const relays = [
  "pass-through",
  "frame-stream",
  "byte-controller",
  "pull",
  "identity-transform",
  "transform",
  "ai-sdk-parser",
] as const;
export type Relay = (typeof relays)[number];
export type Shape = "separate" | "coalesced";

export interface Sample {
  readonly relay: Relay;
  readonly shape: Shape;
  /** CPU milliseconds per request, one value per round. */
  readonly cpuMs: readonly number[];
  /** Text deltas that one answer arrived in. */
  readonly deltaCount: number;
}

const concurrency = 12;
const requestsPerRound = { separate: 24, coalesced: 96 } as const;

export async function measureRelays(rounds: number): Promise<Sample[]> {
  const upstream = await startUpstream();
  const workerd = await startWorkerd({ entry: join(import.meta.dirname, "worker.ts") });
  const cells = (["separate", "coalesced"] as const).flatMap((shape) =>
    relays.map((relay) => ({ relay, shape, cpuMs: [] as number[], deltaCount: 0 })),
  );
  try {
    for (let round = -1; round < rounds; round += 1) {
      for (const cell of cells) {
        const url = `${workerd.url}/${cell.relay}?base=${upstream.url}/${cell.shape}/v1`;
        const count = requestsPerRound[cell.shape];
        const before = await workerd.cpuMs();
        const bodies = await requestAll(url, count);
        const spent = (await workerd.cpuMs()) - before;
        cell.deltaCount = deltasOf(bodies, cell);
        // The first round warms the compiler up.
        if (round >= 0) cell.cpuMs.push(spent / count);
        console.error(`round ${round} ${cell.shape} ${cell.relay} ${(spent / count).toFixed(2)} ms`);
      }
    }
  } finally {
    await workerd.close();
    upstream.close();
  }
  return cells;
}

async function requestAll(url: string, count: number): Promise<string[]> {
  const bodies: string[] = [];
  let started = 0;
  async function lane(): Promise<void> {
    while (started < count) {
      started += 1;
      bodies.push(await (await fetch(url)).text());
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane));
  return bodies;
}

/** Median number of frames with text; a relay that loses text is no relay. */
function deltasOf(bodies: readonly string[], cell: { relay: Relay; shape: Shape }): number {
  const counts = bodies.map((body) => body.split(/"text-delta"|"delta":\{"content"/).length - 1);
  const isWhole = bodies.every((body) => body.includes("word299") && body.includes("[DONE]"));
  if (!isWhole) throw new Error(`${cell.relay} lost text of a ${cell.shape} answer`);
  return counts.toSorted((a, b) => a - b)[counts.length >> 1] ?? 0;
}
