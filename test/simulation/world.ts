/**
 * A world in which the engine runs: time, network, platform and queue, all decided by a plan.
 *
 * Every call that leaves an isolate stands in a line until the world lets it happen: in any order, late, not at all, or with its answer lost. An isolate
 * can be killed at any of them, which is at any `await`: what it had begun then never returns to it. Time passes only when the world says so.
 */
import { createMeter } from "../../src/core/meter.ts";
import { budgetProfiles, type BudgetProfile } from "../../src/engine/budget.ts";
import type { EngineParts } from "../../src/engine/engine-parts.ts";
import { openSegment } from "../../src/engine/open-segment.ts";
import type { Trigger } from "../../src/engine/queue.ts";
import type { RunRegistry } from "../../src/engine/run-definition.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { AppError } from "../../src/core/errors.ts";
import { silentLog } from "../fakes/clock.ts";
import type { Chance } from "./chance.ts";
import type { Call, Effect, Isolate, Message, Storage, Timer } from "./things.ts";
import { calm, type Fate, type Weather } from "./weather.ts";
import { wrap } from "./wrap.ts";

export interface WorldParts<Services> {
  readonly chance: Chance;
  readonly weather: Weather;
  readonly storage: Storage;
  readonly registry: RunRegistry<Services>;
  readonly services: (isolate: Isolate) => Services;
  readonly profile?: BudgetProfile;
  /** When the sweep has something to do next, where that can be asked. */
  readonly nextDueMs?: () => number;
  /** Called after everything that happens; throws when something is not as it must be. */
  readonly watch?: (what: string) => void;
}

const storageCalls = ["start", "open", "append", "read", "readMany", "overdue", "postpone", "retire"] as const;
const sweepEveryMs = 60_000;
const happeningsMax = 20_000;
const queueRetriesMax = 3;

export interface World<Services> {
  readonly trace: string[];
  readonly effects: Effect[];
  readonly deaths: () => number;
  now(): number;
  /** Runs work in an isolate of its own; resolves with its result, rejects with "killed" when it died. */
  invoke<T>(what: string, work: (engine: EngineParts<Services>) => Promise<T>): Promise<T>;
  /** Something from outside happens at a time. */
  at(atMs: number, what: string, act: () => void): void;
  /** An effect on the world outside, by an isolate; may fail or kill like every call. */
  effect(isolate: Isolate, key: string, isFailing: boolean): Promise<number>;
  /** Lets the world go on until `isOver`, which is asked whenever time has to pass. */
  run(isOver: () => Promise<boolean>): Promise<void>;
}

export class Killed extends Error {}

export function createWorld<Services>(parts: WorldParts<Services>): World<Services> {
  const { chance, weather, storage } = parts;
  const startMs = 1_800_000_000_000;
  let nowMs = startMs;
  let count = 0;
  let isolates = 0;
  let deaths = 0;
  let sweptAtMs = startMs;
  let happenings = 0;
  const trace: string[] = [];
  const effects: Effect[] = [];
  const calls: Call[] = [];
  const timers: Timer[] = [];
  const messages: Message[] = [];
  const acts: { atMs: number; what: string; act: () => void }[] = [];
  const dying = new Map<Isolate, (error: Killed) => void>();

  function note(what: string): void {
    trace.push(`${nowMs - startMs} ${what}`);
    parts.watch?.(what);
  }

  function call<T>(isolate: Isolate, name: string, effect: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (isolate.isDead) return;
      calls.push({ isolate, name, effect, resolve, reject, notBeforeMs: nowMs });
    });
  }

  function kill(isolate: Isolate): void {
    if (isolate.isDead) return;
    isolate.isDead = true;
    deaths += 1;
    note(`#${isolate.id} dies`);
    for (const list of [calls, timers] as { isolate: Isolate }[][]) {
      for (let index = list.length - 1; index >= 0; index -= 1)
        if (list[index]!.isolate === isolate) list.splice(index, 1);
    }
    dying.get(isolate)?.(new Killed());
  }

  function engineOf(isolate: Isolate): EngineParts<Services> {
    const meter = createMeter();
    const skewMs = weather === calm ? 0 : chance.between(-500, 500);
    const queue = (name: string, atMs: (given?: number) => number) => (trigger: Trigger, given?: number) =>
      call(isolate, `queue.${name}`, async () => {
        meter.messages += 1;
        messages.push({ id: `msg_${(count += 1)}`, trigger, notBeforeMs: atMs(given), retried: 0 });
      });
    const journal = wrap(storage, storageCalls, (name, effect) => {
      meter.roundTrips += 1;
      meter.subrequests += 1;
      return call(isolate, `journal.${name}`, effect);
    });
    return {
      journal,
      dueRuns: journal,
      budgets: wrap(storage, ["store"], (name, effect) => call(isolate, `budgets.${name}`, effect)),
      queue: {
        triggerNextStep: queue("trigger", () => nowMs),
        scheduleStep: queue("schedule", (delayMs = 0) => nowMs + delayMs),
        scheduleStepAt: queue("scheduleAt", (atMs = nowMs) => Math.min(atMs, nowMs + 7 * 86_400_000)),
      },
      calls: { send: () => Promise.reject(new Error("there are no calls in this world")) },
      registry: parts.registry,
      services: parts.services(isolate),
      profile: parts.profile ?? budgetProfiles.paid,
      meter,
      clock: { now: () => nowMs + skewMs },
      random: { uuid: () => `id-${(count += 1)}`, bytes: (length) => bytesOf(length, (count += 1), isolate.id) },
      pause: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) return reject(signal.reason as Error);
          const timer = { isolate, atMs: nowMs + ms, resolve };
          timers.push(timer);
          signal.addEventListener("abort", () => {
            if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1);
            reject(signal.reason as Error);
          });
        }),
      log: silentLog,
    };
  }

  async function invoke<T>(what: string, work: (engine: EngineParts<Services>) => Promise<T>): Promise<T> {
    const isolate: Isolate = { id: (isolates += 1), what, isDead: false, steps: 0 };
    note(`#${isolate.id} ${what}`);
    const death = new Promise<never>((_resolve, reject) => dying.set(isolate, reject));
    try {
      return await Promise.race([work(engineOf(isolate)), death]);
    } finally {
      dying.delete(isolate);
      // The platform ends what an invocation leaves behind.
      isolate.isDead = true;
    }
  }

  function deliver(message: Message): void {
    messages.splice(messages.indexOf(message), 1);
    const { trigger, id, retried } = message;
    const again = (delayMs: number): void => {
      if (retried >= queueRetriesMax) return note(`${id} is a dead letter`);
      messages.push({ ...message, retried: retried + 1, notBeforeMs: nowMs + delayMs });
    };
    if (chance.happens(weather.duplicating))
      messages.push({ ...message, notBeforeMs: nowMs + chance.between(0, 40_000) });
    invoke(`${id} (${retried}) for ${trigger.ref.runId} after ${trigger.after}`, (engine) =>
      openSegment(engine, trigger, { messageId: id, retried }),
    ).then(
      (outcome) => {
        note(`${id}: ${outcome.kind === "ran" ? outcome.end : outcome.kind}`);
        if (outcome.kind === "held" && retried < 2) again(outcome.retryAfterMs + 1);
      },
      (error: unknown) => {
        note(`${id}: ${error instanceof Killed ? "killed" : String(error)}`);
        again(1_000 * 4 ** retried);
      },
    );
  }

  function fateOf({ isolate }: Call): Fate {
    if (chance.happens(weather.killing)) return chance.happens(0.5) ? "kill-before" : "kill-after";
    if (chance.happens(weather.failing)) return chance.happens(0.5) ? "fail-before" : "fail-after";
    return isolate.steps > weather.stepsPerIsolateMax ? "kill-before" : "happen";
  }

  async function happen(one: Call): Promise<void> {
    calls.splice(calls.indexOf(one), 1);
    const fate = fateOf(one);
    note(`#${one.isolate.id} ${one.name}${fate === "happen" ? "" : ` (${fate})`}`);
    if (fate === "kill-before") return kill(one.isolate);
    if (fate === "fail-before") return one.reject(lost());
    const outcome = await one.effect().then(
      (value) => () => one.resolve(value as never),
      (error: unknown) => () => one.reject(error),
    );
    parts.watch?.(one.name);
    if (fate === "kill-after") return kill(one.isolate);
    if (fate === "fail-after") return one.reject(lost());
    if (!one.isolate.isDead) outcome();
  }

  /** One thing that can happen now; false when time has to pass first. */
  async function happenOne(): Promise<boolean> {
    const ready = calls.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
    const due = messages.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
    const dueTimers = timers.filter(({ atMs }) => atMs <= nowMs);
    const dueActs = acts.filter(({ atMs }) => atMs <= nowMs);
    const possible = ready.length + due.length + dueTimers.length + dueActs.length;
    if (possible === 0) return false;
    const index = weather === calm ? 0 : chance.between(0, possible - 1);
    const [timer, act, message, one] = [
      dueTimers[index],
      dueActs[index - dueTimers.length],
      due[index - dueTimers.length - dueActs.length],
      ready[index - dueTimers.length - dueActs.length - due.length],
    ];
    if (timer !== undefined) {
      timers.splice(timers.indexOf(timer), 1);
      timer.resolve();
    } else if (act !== undefined) {
      acts.splice(acts.indexOf(act), 1);
      note(act.what);
      act.act();
    } else if (message !== undefined) {
      if (weather.lateMsMax > 0 && chance.happens(0.2))
        message.notBeforeMs = nowMs + chance.between(0, weather.lateMsMax);
      else deliver(message);
    } else if (one !== undefined) {
      if (chance.happens(weather.hanging)) one.notBeforeMs = nowMs + chance.between(1_000, 90_000);
      else await happen(one);
      if (weather !== calm) nowMs += chance.between(0, 5);
    }
    return true;
  }

  function passTime(): void {
    // The rounds in which nothing is due are left out: a sleep of nine days has thirteen thousand of them.
    const sweepAtMs = Math.max(sweptAtMs + sweepEveryMs, parts.nextDueMs?.() ?? 0);
    const times = [
      sweepAtMs,
      ...calls.map(({ notBeforeMs }) => notBeforeMs),
      ...timers.map(({ atMs }) => atMs),
      ...messages.map(({ notBeforeMs }) => notBeforeMs),
      ...acts.map(({ atMs }) => atMs),
    ];
    const nextMs = Math.min(...times);
    if (nextMs === Infinity) throw new Error("nothing will ever happen again");
    nowMs = Math.max(nowMs, nextMs);
    if (nowMs < sweepAtMs) return;
    sweptAtMs = nowMs;
    invoke("sweep", (engine) => sweep(engine)).catch(() => undefined);
  }

  return {
    trace,
    effects,
    deaths: () => deaths,
    now: () => nowMs,
    invoke,
    at: (atMs, what, act) => void acts.push({ atMs, what, act }),
    effect(isolate, key, isFailing) {
      isolate.steps += 1;
      return call(isolate, `effect ${key}`, async () => {
        effects.push({ key, isolate: isolate.id, number: effects.length });
        if (isFailing) throw new Error("the world refused");
        return effects.length - 1;
      });
    },
    async run(isOver) {
      for (;;) {
        await settled();
        if ((happenings += 1) > happeningsMax) throw new Error("the world does not come to rest");
        if (await happenOne()) continue;
        if (calls.length === 0 && (await isOver())) return;
        passTime();
      }
    },
  };
}

function lost(): AppError {
  return new AppError("redis_unavailable", "the answer is lost");
}

function bytesOf(length: number, count: number, isolate: number): Uint8Array {
  return Uint8Array.from({ length }, (_byte, index) =>
    index < 3 ? count >> (8 * index) : isolate >> (8 * (index - 3)),
  );
}

/** Until nothing in this process can go on without the world. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
