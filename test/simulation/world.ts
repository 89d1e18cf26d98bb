/**
 * A world in which the engine runs: time, network, platform and queue, all decided by a director.
 *
 * Every call that leaves an isolate stands in a line until the world lets it happen: in any order, late, twice, not at all, or with its answer lost. An isolate
 * can be killed at any of them, which is at any `await`: what it had begun then never returns to it. Time passes only when nothing else can happen.
 */
import type { BudgetProfile } from "../../src/engine/budget.ts";
import type { CompactionRule } from "../../src/engine/compaction-rule.ts";
import type { EngineParts } from "../../src/engine/engine-parts.ts";
import { parkedAtOf } from "../../src/engine/parked-runs.ts";
import type { RunRegistry } from "../../src/engine/run-definition.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Director } from "./director.ts";
import { engineIn } from "./engine-in.ts";
import { createPost, type Post } from "./post.ts";
import "./instant-digests.ts";
import { Killed, type Call, type Effect, type Isolate, type LateEffect, type Storage, type Timer } from "./things.ts";

export interface WorldParts<Services> {
  readonly director: Director;
  readonly storage: Storage;
  readonly registry: RunRegistry<Services>;
  readonly services: (isolate: Isolate) => Services;
  readonly profile?: BudgetProfile;
  readonly compaction?: CompactionRule;
  /** When the sweep has something to do next; Infinity for never. */
  readonly nextDueMs: () => number;
  /** Told before a body of a step begins its effect. */
  readonly onEffect?: (isolate: Isolate, key: string) => void;
  /** Told after a call has had its effect on storage, whether or not its caller hears of it. */
  readonly onContact?: (isolate: Isolate, name: string, args: readonly unknown[]) => void;
  /** Milliseconds that an effect takes. */
  readonly effectMs?: number;
}

const sweepEveryMs = 60_000;
const happeningsMax = 100_000;

export interface World<Services> {
  /** What happened, a line each, with the time since the beginning in ms. */
  readonly trace: string[];
  readonly effects: Effect[];
  readonly deaths: () => number;
  now(): number;
  /** Runs work in an isolate of its own; resolves with its result, rejects with `Killed` when it died. */
  invoke<T>(what: string, work: (engine: EngineParts<Services>, isolate: Isolate) => Promise<T>): Promise<T>;
  /** Something from outside happens at a time. */
  at(atMs: number, what: string, act: () => void): void;
  /** An effect on the world outside, by an isolate; may fail or kill like every call. Answers with its number. */
  effect(isolate: Isolate, o: { key: string; label: string; isFailing: boolean; cpu?: number }): Promise<number>;
  /** Any other call that leaves an isolate. */
  call<T>(isolate: Isolate, name: string, effect: () => Promise<T>): Promise<T>;
  /** A message that comes from outside. */
  send: Post<Services>["send"];
  /** Resolves after so much time, unless the isolate is gone by then. */
  pause(isolate: Isolate, ms: number): Promise<void>;
  /** Whether something is on its way, or at work, for a run: a message, an isolate. */
  isAbout(runId: string): boolean;
  /** Lets the world go on until `isOver`, which is asked whenever time has to pass, and nothing is on its way any more. */
  run(isOver: () => boolean): Promise<void>;
}

export function createWorld<Services>(parts: WorldParts<Services>): World<Services> {
  const { director } = parts;
  const startMs = 1_800_000_000_000;
  let nowMs = startMs;
  let isolates = 0;
  let deaths = 0;
  let sweptAtMs = startMs;
  const trace: string[] = [];
  const effects: Effect[] = [];
  const calls: Call[] = [];
  const answers: Timer[] = [];
  const timers: Timer[] = [];
  const lates: LateEffect[] = [];
  const acts: { atMs: number; what: string; act: () => void }[] = [];
  const inProgress = new Map<Isolate, (error: Killed) => void>();
  const post = createPost<Services>({ director, now: () => nowMs, note, at, invoke });

  function note(what: string): void {
    trace.push(`${nowMs - startMs} ${what}`);
  }

  /** Nobody looks at a run that is parked: it waits for a person. */
  function nextDueMs(): number {
    const atMs = parts.nextDueMs();
    return parkedAtOf(atMs) === undefined ? atMs : Infinity;
  }

  function at(atMs: number, what: string, act: () => void): void {
    acts.push({ atMs, what, act });
  }

  function call<T>(isolate: Isolate, name: string, effect: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (isolate.isDead) return;
      const one: Call = { isolate, name, effect, resolve, reject, notBeforeMs: nowMs };
      one.notBeforeMs += director.freezeMs(one);
      calls.push(one);
    });
  }

  function kill(isolate: Isolate): void {
    if (isolate.isDead) return;
    deaths += 1;
    note(`#${isolate.id} dies`);
    inProgress.get(isolate)?.(new Killed());
    leave(isolate);
  }

  /** The platform ends what an invocation leaves behind. */
  function leave(isolate: Isolate): void {
    isolate.isDead = true;
    inProgress.delete(isolate);
    for (const list of [calls, timers, answers] as { isolate: Isolate }[][]) {
      list.splice(0, list.length, ...list.filter((thing) => thing.isolate !== isolate));
    }
  }

  async function invoke<T>(
    what: string,
    work: (engine: EngineParts<Services>, isolate: Isolate) => Promise<T>,
  ): Promise<T> {
    const isolate: Isolate = { id: (isolates += 1), what, isDead: false, steps: 0, cpu: 0 };
    note(`#${isolate.id} ${what}`);
    const death = new Promise<never>((_resolve, reject) => inProgress.set(isolate, reject));
    const engine = engineIn<Services>({ ...parts, isolate, call, post, timers, now: () => nowMs });
    try {
      return await Promise.race([work(engine, isolate), death]);
    } finally {
      leave(isolate);
    }
  }

  async function happen(one: Call): Promise<void> {
    calls.splice(calls.indexOf(one), 1);
    const { isolate, name, effect } = one;
    const fate = director.fate(one);
    note(`#${isolate.id} ${name}${fate.name === "" ? "" : ` (${fate.name})`}`);
    let outcome = (): void => undefined;
    for (const ms of fate.effects) {
      if (ms > 0) lates.push({ atMs: nowMs + ms, name: `#${isolate.id} ${name}, late`, effect });
      else {
        outcome = await effect().then(
          (value) => () => one.resolve(value as never),
          (error: unknown) => () => one.reject(error),
        );
      }
    }
    if (fate.answer === "none") return kill(isolate);
    if (fate.answer === "given") return outcome();
    const atMs = nowMs + fate.answerMs;
    answers.push({ isolate, atMs, resolve: () => one.reject(noAnswer(name)) });
  }

  /** All that can happen now. */
  function possible(): (() => Promise<void> | void)[] {
    const isDue = ({ atMs }: { atMs: number }): boolean => atMs <= nowMs;
    return [
      ...timers.filter(isDue).map((timer) => () => take(timers, timer).resolve()),
      ...answers.filter(isDue).map((answer) => () => take(answers, answer).resolve()),
      ...acts.filter(isDue).map((act) => () => (note(act.what), take(acts, act).act())),
      ...post.due().map((message) => () => post.deliver(message)),
      ...lates.filter(isDue).map((late) => async () => {
        note(late.name);
        await take(lates, late)
          .effect()
          .catch(() => undefined);
      }),
      ...calls.filter(({ notBeforeMs }) => notBeforeMs <= nowMs).map((one) => () => happen(one)),
    ];
  }

  function passTime(): void {
    // The rounds in which nothing is due are left out: a sleep of nine days has thirteen thousand of them.
    const sweepAtMs = Math.max(sweptAtMs + sweepEveryMs, nextDueMs());
    const times = [sweepAtMs, post.nextMs(), ...calls.map(({ notBeforeMs }) => notBeforeMs)];
    for (const { atMs } of [...timers, ...answers, ...acts, ...lates]) times.push(atMs);
    const nextMs = Math.min(...times);
    if (nextMs === Infinity) throw new Error("nothing will ever happen again");
    nowMs = Math.max(nowMs, nextMs);
    if (nowMs < sweepAtMs) return;
    sweptAtMs = nowMs;
    for (let count = director.sweepsAtOnce(); count > 0; count -= 1) {
      invoke("sweep", (engine) => sweep(engine)).catch(() => undefined);
    }
  }

  /** Until nothing in this process can go on without the world: digests, which would take time of their own, are instant here (`instant-digests.ts`). */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  return {
    trace,
    effects,
    deaths: () => deaths,
    now: () => nowMs,
    invoke,
    at,
    call,
    send: post.send,
    effect(isolate, { key, label, isFailing, cpu = 1 }) {
      isolate.steps += 1;
      isolate.cpu += cpu;
      parts.onEffect?.(isolate, key);
      return call(isolate, `effect ${key}`, async () => {
        nowMs += parts.effectMs ?? 0;
        effects.push({ key, label, isFailing, isolate, number: effects.length });
        if (isFailing) throw new Error("the world refused");
        return effects.length - 1;
      });
    },
    pause: (isolate, ms) => new Promise((resolve) => timers.push({ isolate, atMs: nowMs + ms, resolve })),
    isAbout: (runId) => post.isAbout(runId) || [...inProgress.keys()].some(({ what }) => what.includes(runId)),
    async run(isOver) {
      for (let happenings = 0; happenings < happeningsMax; happenings += 1) {
        await settle();
        const can = possible();
        if (can.length > 0) {
          await can[director.next(can.length)]!();
          nowMs += director.thinkMs();
          continue;
        }
        const isAllOver = isOver();
        const isQuiet = calls.length + answers.length + lates.length + acts.length === 0 && post.nextMs() === Infinity;
        if (isAllOver && isQuiet && nextDueMs() === Infinity) return;
        passTime();
      }
      throw new Error("the world does not come to rest");
    },
  };
}

/** What the adapter of the port makes of it; a step's own calls are nobody's adapter. */
function noAnswer(name: string): Error {
  if (name.startsWith("effect")) return new Error("the world does not answer");
  const isQueue = name.startsWith("trigger") || name.startsWith("schedule") || name.startsWith("call");
  return new AppError(isQueue ? "queue_unavailable" : "redis_unavailable", "no answer");
}

function take<Thing>(things: Thing[], thing: Thing): Thing {
  things.splice(things.indexOf(thing), 1);
  return thing;
}
