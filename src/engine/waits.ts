/** What the code of a segment waits for: times and signals. Knows nothing of how the waiting is done. */
import type { Clock } from "../core/ports.ts";
import type { RunState, Signal } from "./run-state.ts";

export interface ActiveWait {
  readonly step: string;
  readonly untilMs: number | undefined;
  readonly signal: string | undefined;
  readonly onTime: () => void;
  readonly onSignal?: (signal: Signal) => void;
}

export interface Waits {
  add(wait: ActiveWait): void;
  /** Ends one wait whose signal is there or whose time has come; false when there is none. A signal goes before the time. */
  settleOne(): boolean;
  isEmpty(): boolean;
  /** When the first of them is over, in unix ms; `undefined` when all wait for signals alone. */
  nextAtMs(): number | undefined;
}

export function createWaits({ state, clock }: { state: RunState; clock: Clock }): Waits {
  const waits = new Map<string, ActiveWait>();
  /** Taken in this segment; the journal may not have it yet. */
  const taken = new Set<string>();

  function signalFor(wait: ActiveWait): Signal | undefined {
    if (wait.signal === undefined) return undefined;
    return state.signals.find(({ id, name }) => name === wait.signal && !taken.has(id));
  }

  return {
    add: (wait) => void waits.set(wait.step, wait),
    settleOne() {
      for (const wait of waits.values()) {
        const signal = signalFor(wait);
        const isTimeOver = wait.untilMs !== undefined && wait.untilMs <= clock.now();
        if (signal === undefined && !isTimeOver) continue;
        waits.delete(wait.step);
        if (signal === undefined) wait.onTime();
        else {
          taken.add(signal.id);
          wait.onSignal?.(signal);
        }
        return true;
      }
      return false;
    },
    isEmpty: () => waits.size === 0,
    nextAtMs() {
      const times = [...waits.values()].flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs]));
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}
