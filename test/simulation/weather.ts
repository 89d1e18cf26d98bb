import type { Chance } from "./chance.ts";

/** What goes wrong, and how often: probabilities per call unless said otherwise. */
export interface Weather {
  /** The answer is lost, before or after the effect. */
  readonly failing: number;
  readonly killing: number;
  /** The isolate freezes, for longer than a lease or not, while the others go on. */
  readonly hanging: number;
  /** No answer until the deadline; the effect happens never, in time, or after it. */
  readonly timingOut: number;
  /** The effect happens twice. */
  readonly doubling: number;
  /** Who only reads, reads what was true some time ago. */
  readonly stale: number;
  /** Per delivery. */
  readonly duplicating: number;
  /** Per delivery: the queue delivers again while the first attempt still runs. */
  readonly impatient: number;
  /** Per delivery: how late it may come. */
  readonly lateMsMax: number;
  /** Per isolate: by how much its clock may be wrong. */
  readonly skewMsMax: number;
  /** Per sweep: a second one runs beside it. */
  readonly crowded: number;
  /** The platform kills an isolate that begins more steps; Infinity for none. */
  readonly stepsPerIsolateMax: number;
}

export const calm: Weather = {
  failing: 0,
  killing: 0,
  hanging: 0,
  timingOut: 0,
  doubling: 0,
  stale: 0,
  duplicating: 0,
  impatient: 0,
  lateMsMax: 0,
  skewMsMax: 0,
  crowded: 0,
  stepsPerIsolateMax: Infinity,
};

/** Of ten worlds one is calm; in the others some things go wrong and some do not, for each alone finds other defects than all together. */
export function weatherOf(chance: Chance): Weather {
  if (chance.happens(0.1)) return calm;
  const some = (most: number): number => (chance.happens(0.5) ? most * chance.next() : 0);
  return {
    failing: some(0.1),
    killing: some(0.06),
    hanging: some(0.05),
    timingOut: some(0.05),
    doubling: some(0.05),
    stale: some(0.3),
    duplicating: some(0.2),
    impatient: some(0.1),
    lateMsMax: chance.happens(0.5) ? 120_000 : 0,
    skewMsMax: chance.happens(0.5) ? 4_000 : 0,
    crowded: some(0.5),
    stepsPerIsolateMax: chance.happens(0.25) ? chance.between(1, 12) : Infinity,
  };
}
