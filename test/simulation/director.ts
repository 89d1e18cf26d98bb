/** Who decides what happens in a world: chance, or a plan. */
import { limits } from "../../src/core/limits.ts";
import type { Chance } from "./chance.ts";
import type { Call, Isolate } from "./things.ts";
import type { Weather } from "./weather.ts";

/** What becomes of one call. */
export interface Fate {
  readonly name: string;
  /** When its effect happens, in ms from now: never, once, twice, late. */
  readonly effects: readonly number[];
  /** `none`: the isolate dies. */
  readonly answer: "given" | "lost" | "none";
  readonly answerMs: number;
}

const deadlineMs = limits.redisTimeoutMs;

export const fates = {
  happen: { name: "", effects: [0], answer: "given", answerMs: 0 },
  twice: { name: "twice", effects: [0, 0], answer: "given", answerMs: 0 },
  failBefore: { name: "fails before", effects: [], answer: "lost", answerMs: 0 },
  failAfter: { name: "fails after", effects: [0], answer: "lost", answerMs: 0 },
  hangBefore: { name: "hangs before", effects: [], answer: "lost", answerMs: deadlineMs },
  hangAfter: { name: "hangs after", effects: [0], answer: "lost", answerMs: deadlineMs },
  killBefore: { name: "killed before", effects: [], answer: "none", answerMs: 0 },
  killAfter: { name: "killed after", effects: [0], answer: "none", answerMs: 0 },
} as const satisfies Record<string, Fate>;

/** The caller gives up at its deadline, and the effect happens all the same, some time after. */
export function lateFate(ms: number): Fate {
  return { name: `late by ${ms}`, effects: [deadlineMs + ms], answer: "lost", answerMs: deadlineMs };
}

export interface Director {
  /** Which of several things that can happen now is next. */
  next(count: number): number;
  fate(call: Call): Fate;
  /** How long the isolate freezes before the call leaves it. */
  freezeMs(call: Call): number;
  /** How much later than it could a message is delivered. */
  delayMs(): number;
  /** How much later a copy of a message comes; `undefined` for none. */
  copyMs(): number | undefined;
  /** How long the queue waits for an answer before it delivers again. */
  patienceMs(): number;
  /** By how much an isolate's clock is wrong. */
  skewMs(isolate: Isolate): number;
  /** Time that passes between two things that happen. */
  thinkMs(): number;
  /** What somebody reads who does not read from the primary: so many of the last entries are missing. */
  staleEntries(call: Call): number;
  sweepsAtOnce(): number;
}

/** Everything happens in order, at once and without a fault, but for the calls that the plan gives another fate. */
export function planned(plan: (call: Call) => Fate | undefined): Director {
  return {
    next: () => 0,
    fate: (call) => plan(call) ?? fates.happen,
    freezeMs: () => 0,
    delayMs: () => 0,
    copyMs: () => undefined,
    patienceMs: () => Infinity,
    skewMs: () => 0,
    thinkMs: () => 0,
    staleEntries: () => 0,
    sweepsAtOnce: () => 1,
  };
}

export function byChance(chance: Chance, weather: Weather): Director {
  function fate({ isolate }: Call): Fate {
    const dice = chance.next();
    if (dice < weather.killing) return chance.happens(0.5) ? fates.killBefore : fates.killAfter;
    if (isolate.steps > weather.stepsPerIsolateMax) return fates.killBefore;
    const trouble = dice - weather.killing;
    if (trouble < weather.failing) return chance.happens(0.5) ? fates.failBefore : fates.failAfter;
    if (trouble < weather.failing + weather.timingOut) return timeOut(chance);
    if (trouble < weather.failing + weather.timingOut + weather.doubling) return fates.twice;
    return fates.happen;
  }
  const isUnder = (probability: number): boolean => probability > 0 && chance.happens(probability);
  return {
    next: (count) => chance.between(0, count - 1),
    fate,
    freezeMs: () => (isUnder(weather.hanging) ? chance.between(1_000, 90_000) : 0),
    delayMs: () => (weather.lateMsMax > 0 && chance.happens(0.2) ? chance.between(0, weather.lateMsMax) : 0),
    copyMs: () => (isUnder(weather.duplicating) ? chance.between(0, 40_000) : undefined),
    patienceMs: () => (isUnder(weather.impatient) ? chance.between(10, 20_000) : Infinity),
    skewMs: () => (weather.skewMsMax > 0 ? chance.between(-weather.skewMsMax, weather.skewMsMax) : 0),
    thinkMs: () => chance.between(0, 5),
    staleEntries: () => (isUnder(weather.stale) ? chance.between(1, 4) : 0),
    sweepsAtOnce: () => (isUnder(weather.crowded) ? 2 : 1),
  };
}

function timeOut(chance: Chance): Fate {
  return chance.pick([fates.hangBefore, fates.hangAfter, lateFate(chance.between(1, 60_000))]);
}
