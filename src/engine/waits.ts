/** What the code of a segment waits for: times and signals. Knows nothing of how the waiting is done. */
import type { Clock } from "../core/ports.ts";
import type { RunState, Signal } from "./run-state.ts";

export interface ActiveWait {
  readonly step: string;
  readonly untilMs: number | undefined;
  readonly signal: string | undefined;
  readonly onTime: () => void;
  /** For another attempt of a step, whose last one has failed. */
  readonly attempt?: { readonly isUndoable: boolean };
  readonly onSignal?: (signal: Signal) => void;
}

export type Among = (wait: ActiveWait) => boolean;

/** Of all waits, or those among them that are named. */
export interface Waits {
  add(wait: ActiveWait): void;
  /** Ends one wait whose signal is there, else the one whose time has come first; false when there is none. */
  settleOne(among?: Among): boolean;
  isEmpty(): boolean;
  /** When the first of them is over, in unix ms; `undefined` when there is none, or all wait for signals alone. */
  nextAtMs(among?: Among): number | undefined;
}

/** Steps that are to be tried again; all other waits are of use only to the code that waits. */
export const areAttempts: Among = ({ attempt }) => attempt !== undefined;

/** Of steps that can be undone: their last attempt may have happened, although it failed. */
export const mayHaveHappened: Among = ({ attempt }) => attempt?.isUndoable === true;

export function createWaits({ state, clock }: { state: RunState; clock: Clock }): Waits {
  const waits = new Map<string, ActiveWait>();
  /** Taken in this segment; the journal may not have it yet. */
  const taken = new Set<string>();

  function signalFor(wait: ActiveWait): Signal | undefined {
    if (wait.signal === undefined) return undefined;
    return state.signals.find(({ id, name }) => name === wait.signal && !taken.has(id));
  }

  function settleFirst(among: readonly ActiveWait[]): boolean {
    const isOver = ({ untilMs = Infinity }: ActiveWait): boolean => untilMs <= clock.now();
    const inTime = ({ untilMs: a = 0 }: ActiveWait, { untilMs: b = 0 }: ActiveWait): number => a - b;
    const first = among.filter(isOver).toSorted(inTime)[0];
    if (first === undefined) return false;
    waits.delete(first.step);
    first.onTime();
    return true;
  }

  const those = (among: Among): ActiveWait[] => [...waits.values()].filter(among);

  return {
    add: (wait) => void waits.set(wait.step, wait),
    settleOne(among = all) {
      for (const wait of those(among)) {
        const signal = signalFor(wait);
        if (signal === undefined) continue;
        waits.delete(wait.step);
        taken.add(signal.id);
        wait.onSignal?.(signal);
        return true;
      }
      return settleFirst(those(among));
    },
    isEmpty: () => waits.size === 0,
    nextAtMs: (among = all) => nextOf(those(among)),
  };
}

const all: Among = () => true;

function nextOf(waits: readonly ActiveWait[]): number | undefined {
  const times = waits.flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs]));
  return times.length === 0 ? undefined : Math.min(...times);
}
