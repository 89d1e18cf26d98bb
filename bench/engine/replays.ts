/** What it costs to resume a run, by the length of its journal. */
import { join } from "node:path";
import { startWorkerd } from "../workerd.ts";
import { rounds } from "./measure.ts";

const lengths = [10, 100, 1_000, 5_000, 9_000] as const;
/** Process times come in ticks of 10 ms, so short replays are repeated. */
const stepsPerRound = 60_000;
const timesMin = 10;
const timesMax = 500;

export interface Replay {
  readonly steps: number;
  readonly kib: number;
  /** One value for each round. */
  readonly cpuMs: readonly number[];
}

export async function measureReplays(): Promise<Replay[]> {
  const worker = await startWorkerd({ entry: join(import.meta.dirname, "replay-worker.ts") });
  const replays: Replay[] = [];
  for (const steps of lengths) {
    const times = Math.min(timesMax, Math.max(timesMin, Math.round(stepsPerRound / steps)));
    const cpuMs: number[] = [];
    let kib = 0;
    for (let round = -1; round < rounds; round += 1) {
      const before = await worker.cpuMs();
      for (let time = 0; time < times; time += 1) kib = await replay(worker.url, steps);
      if (round >= 0) cpuMs.push(((await worker.cpuMs()) - before) / times);
    }
    replays.push({ steps, kib, cpuMs });
  }
  await worker.close();
  return replays;
}

async function replay(url: string, steps: number): Promise<number> {
  const answer = await fetch(`${url}/${steps}`);
  const { outcome, replyBytes } = (await answer.json()) as { outcome: { kind: string }; replyBytes: number };
  if (outcome.kind !== "same") throw new Error("the replay went another way");
  return replyBytes / 1024;
}
