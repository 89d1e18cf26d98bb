/** A long run on a platform that kills an isolate beyond a limit of which the engine knows nothing, and what its segments came to. */
import { createRunFold } from "../../src/engine/fold-run.ts";
import { createRunRegistry, defineRun } from "../../src/engine/run-definition.ts";
import { parseEntry } from "../../src/engine/journal-entry.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { isOver } from "../../src/engine/run-state.ts";
import { startQueued } from "../../src/engine/start-queued.ts";
import * as z from "zod/mini";
import { fates, planned } from "../simulation/director.ts";
import { recorded } from "../simulation/record.ts";
import { memoryStorage } from "../simulation/storage.ts";
import type { Isolate } from "../simulation/things.ts";
import { createWorld, type World } from "../simulation/world.ts";

export interface LimitedPlatform {
  /** Of the run. */
  readonly steps: number;
  /** CPU that a step costs, in units of the platform. */
  readonly cpuOf: (step: number) => number;
  /** CPU beyond which an isolate dies, when the run has done so many steps. */
  readonly cpuMax: (doneSteps: number) => number;
}

export interface PlayedSegment {
  /** Since the run's start. */
  readonly atMs: number;
  /** Steps whose results it recorded. */
  readonly steps: number;
  readonly isKilled: boolean;
}

export interface PlayedOnPlatform {
  readonly status: string;
  readonly segments: readonly PlayedSegment[];
  /** Steps whose work was done and not recorded, so that it was done again. */
  readonly repeated: number;
  readonly kills: number;
}

interface Services {
  readonly work: (step: number, key: string) => Promise<number>;
}

/** A step takes so long. */
const stepMs = 20;
const ref = { userId: "usr_1", runId: "run_1" };

export async function playOnPlatform({ steps, cpuOf, cpuMax }: LimitedPlatform): Promise<PlayedOnPlatform> {
  const simulated = memoryStorage();
  const { storage, runs } = recorded(simulated.storage);
  const long = defineRun({
    name: "long",
    version: 1,
    input: z.object({}),
    async run(ctx: RunContext<Services>) {
      for (let step = 0; step < steps; step += 1) {
        await ctx.step("do", ({ idempotencyKey }) => ctx.services.work(step, idempotencyKey));
      }
    },
  });
  const done = new Set<string>();
  const world: World<Services> = createWorld<Services>({
    // The last step of an isolate has its effect, and nobody records it: as bad as a kill can be.
    director: planned(({ isolate, name }) =>
      name.startsWith("effect") && isolate.cpu > cpuMax(done.size) ? fates.killAfter : undefined,
    ),
    storage,
    nextDueMs: () => simulated.nextDueMs(),
    registry: createRunRegistry<Services>([long]),
    effectMs: stepMs,
    services: (isolate: Isolate) => ({
      work(step, key) {
        done.add(key);
        return world.effect(isolate, { key, label: key, isFailing: false, cpu: cpuOf(step) });
      },
    }),
  });
  world.at(world.now(), "start", () => {
    // Brought by the queue, so that also the first segment that dies is soon brought again.
    const request = { ref, definition: long, input: {} };
    world.invoke("start of run_1", (engine) => startQueued(engine, request)).catch(() => undefined);
  });
  const stateOf = () => runs.get(ref.runId)?.state;
  await world.run(() => stateOf()?.started !== undefined && isOver(stateOf()!.status));
  return {
    status: stateOf()!.status,
    segments: segmentsOf(runs.get(ref.runId)!.entries),
    repeated: world.effects.length - new Set(world.effects.map(({ key }) => key)).size,
    kills: world.deaths(),
  };
}

function segmentsOf(entries: readonly string[]): PlayedSegment[] {
  const segments = new Map<string, { atMs: number; steps: number; isKilled: boolean }>();
  const fold = createRunFold();
  let startedAtMs: number | undefined;
  for (const text of entries) {
    const entry = parseEntry(text);
    if (!fold.apply(text) || entry === undefined) continue;
    const { writer, at, record } = entry;
    startedAtMs ??= at;
    if (record.type === "opened") segments.set(writer, { atMs: at - startedAtMs, steps: 0, isKilled: true });
    const segment = segments.get(writer);
    if (segment === undefined) continue;
    if (record.type === "done") segment.steps += 1;
    if ("spent" in record) segment.isKilled = false;
  }
  return [...segments.values()];
}
