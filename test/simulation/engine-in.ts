/** The engine as one isolate of a world is given it: every call that leaves the isolate is the world's. */
import { asAppError } from "../../src/core/errors.ts";
import { createMeter } from "../../src/core/meter.ts";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { budgetProfiles, type BudgetProfile } from "../../src/engine/budget.ts";
import type { CompactionRule } from "../../src/engine/compaction-rule.ts";
import type { CallPort, EngineParts } from "../../src/engine/engine-parts.ts";
import { openSegment } from "../../src/engine/open-segment.ts";
import type { Queue, Trigger } from "../../src/engine/queue.ts";
import type { RunRegistry } from "../../src/engine/run-definition.ts";
import { limits } from "../../src/core/limits.ts";
import { silentLog } from "../fakes/clock.ts";
import type { Director } from "./director.ts";
import type { Post } from "./post.ts";
import type { Call, Isolate, Storage, Timer } from "./things.ts";
import { wrap } from "./wrap.ts";

export interface IsolateParts<Services> {
  readonly isolate: Isolate;
  readonly director: Director;
  readonly storage: Storage;
  readonly registry: RunRegistry<Services>;
  readonly services: (isolate: Isolate) => Services;
  readonly profile?: BudgetProfile;
  readonly compaction?: CompactionRule;
  readonly call: <T>(isolate: Isolate, name: string, effect: () => Promise<T>) => Promise<T>;
  readonly onContact?: (isolate: Isolate, name: string, args: readonly unknown[]) => void;
  readonly post: Post<Services>;
  readonly timers: Timer[];
  readonly now: () => number;
}

export const storageCalls = [
  "start",
  "open",
  "append",
  "act",
  "read",
  "readMany",
  "compact",
  "overdue",
  "postpone",
  "register",
  "setAsideUnchanged",
  "isKnown",
  "retire",
  "retireUnchanged",
  "store",
] as const satisfies (keyof Storage)[];

/** How often the route lets a delivery that finds the run held come again. */
const heldRetriesMax = 2;

export function engineIn<Services>(parts: IsolateParts<Services>): EngineParts<Services> {
  const { isolate, call, director, timers, now } = parts;
  const meter = createMeter();
  const skewMs = director.skewMs(isolate);
  const storage = wrap(parts.storage, storageCalls, (name, effect, args) => {
    meter.roundTrips += 1;
    meter.subrequests += 1;
    return call(isolate, `${name}${aboutOf(args)}`, async () => {
      const answer = await effect();
      parts.onContact?.(isolate, name, args);
      return answer;
    });
  });
  let drawn = 0;
  return {
    journal: staleReads(storage, parts),
    dueRuns: storage,
    budgets: storage,
    queue: queueOf(parts, meter),
    calls: callsOf(parts),
    registry: parts.registry,
    services: parts.services(isolate),
    profile: parts.profile ?? budgetProfiles.paid,
    ...(parts.compaction === undefined ? {} : { compaction: parts.compaction }),
    meter,
    clock: { now: () => now() + skewMs },
    random: { uuid: () => `id-${isolate.id}-${(drawn += 1)}`, bytes: (length) => bytesOf(length, drawn++, isolate.id) },
    pause: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const timer: Timer = { isolate, atMs: now() + ms, resolve };
        timers.push(timer);
        signal.addEventListener("abort", () => {
          if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1);
          reject(signal.reason as Error);
        });
      }),
    log: silentLog,
  };
}

function queueOf<Services>({ isolate, call, post, now }: IsolateParts<Services>, meter: { messages: number }): Queue {
  function accept(trigger: Trigger, atMs: number): void {
    meter.messages += 1;
    post.send(
      `trigger of ${trigger.ref.runId} after ${trigger.after}`,
      async (engine, delivery) => {
        const outcome = await openSegment(engine, trigger, delivery);
        if (outcome.kind === "ran") return { outcome: outcome.end };
        if (outcome.kind !== "held" || delivery.retried >= heldRetriesMax) return { outcome: outcome.kind };
        return { outcome: "held", againAfterMs: outcome.retryAfterMs + 1 };
      },
      Math.min(atMs, now() + limits.queueDelayMsMax),
    );
  }
  const send = (name: string, trigger: Trigger, atMs: () => number): Promise<void> =>
    call(isolate, `${name} ${trigger.ref.runId}`, async () => accept(trigger, atMs()));
  return {
    isBilled: true,
    triggerNextStep: (trigger) => send("trigger", trigger, now),
    async triggerNextSteps(triggers) {
      const effect = async (): Promise<void> => triggers.forEach((trigger) => accept(trigger, now()));
      const taken = call(isolate, `triggers ${triggers.map(({ ref }) => ref.runId).join()}`, effect);
      const failure = await taken.then(
        () => undefined,
        (thrown: unknown) => asAppError(thrown),
      );
      return triggers.map(() => failure);
    },
    scheduleStep: (trigger, delayMs) => send("schedule", trigger, () => now() + delayMs),
    scheduleStepAt: (trigger, atMs) => send("scheduleAt", trigger, () => atMs),
  };
}

/** Somebody out there answers after a while; the queue brings the answer, as it does a trigger. */
function callsOf<Services>({ isolate, call, post, now }: IsolateParts<Services>): CallPort {
  return {
    send: ({ ref, step, signal, request }) =>
      call(isolate, `call ${ref.runId}/${step}`, async () => {
        const payload = { status: 200, body: request.url };
        const act = { kind: "signal", id: `call:${signal}`, name: signal, payload } as const;
        post.send(
          `answer for ${ref.runId}`,
          async (engine) => ({ outcome: (await actOnRun(engine, { ...ref }, act)).kind }),
          now() + 3_000,
        );
      }),
  };
}

/** Who reads a journal without having written to it may be given what was true some time ago. */
function staleReads<Services>(storage: Storage, { isolate, director }: IsolateParts<Services>): Storage {
  const older = (entries: readonly string[]): readonly string[] => {
    const missing = director.staleEntries({ isolate } as Call);
    return entries.slice(0, Math.max(1, entries.length - missing));
  };
  return {
    ...storage,
    read: async (ref, from) => (from > 0 ? storage.read(ref, from) : older(await storage.read(ref, from))),
    readMany: async (refs) => (await storage.readMany(refs)).map((entries) => entries && older(entries)),
  };
}

function aboutOf(args: readonly unknown[]): string {
  const [ref] = args;
  return typeof ref === "object" && ref !== null && "runId" in ref ? ` ${String(ref.runId)}` : "";
}

/** Others for each count and isolate. */
export function bytesOf(length: number, count: number, isolate: number): Uint8Array {
  return Uint8Array.from({ length }, (_byte, index) =>
    index < 3 ? count >> (8 * index) : isolate >> (8 * (index - 3)),
  );
}
