/** Readers of the runs' events who come and go: in the end each has seen every event once, in order. */
import { followRun, runEvents } from "../../src/engine/follow-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { RunEvent } from "../../src/engine/run-event.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedStorage } from "./storage.ts";

export interface Readers {
  check(): Promise<string[]>;
  stop(): void;
}

export function startReaders(simulated: SimulatedStorage, refs: readonly RunRef[], chance: Chance): Readers {
  const { feed } = simulated;
  if (feed === undefined) return { check: async () => [], stop() {} };
  const stopper = new AbortController();
  const seen = new Map<string, RunEvent[]>();
  const patience = chance.between(1, 12);

  async function read(ref: RunRef): Promise<void> {
    const events: RunEvent[] = [];
    seen.set(ref.runId, events);
    while (!stopper.signal.aborted) {
      const connection = new AbortController();
      const signal = AbortSignal.any([stopper.signal, connection.signal]);
      const parts = {
        journal: { read: (of: RunRef, from: number) => simulated.entries(of).then((entries) => entries.slice(from)) },
        feed: feed!,
        pause: async () => {},
        random: () => 0,
      };
      let count = 0;
      for await (const event of followRun(parts, ref, events.at(-1)?.place ?? -1, signal)) {
        events.push(event);
        // Leaves now and then, and comes back with the last id that it saw.
        if ((count += 1) % patience === 0) break;
      }
      connection.abort();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  for (const ref of refs) read(ref).catch(() => undefined);

  return {
    async check() {
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const violations: string[] = [];
      for (const ref of refs) {
        const expected = runEvents(await simulated.entries(ref));
        const got = seen.get(ref.runId) ?? [];
        if (JSON.stringify(got) === JSON.stringify(expected)) continue;
        violations.push(`V1: a reader of ${ref.runId} saw ${placesOf(got)} instead of ${placesOf(expected)}`);
      }
      return violations;
    },
    stop: () => stopper.abort(),
  };
}

function placesOf(events: readonly RunEvent[]): string {
  return events.map(({ place, type }) => `${place}:${type}`).join(" ");
}
