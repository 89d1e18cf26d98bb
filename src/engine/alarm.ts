import { limits } from "../core/limits.ts";
import type { InterpreterParts } from "./interpreter.ts";

export interface Alarm {
  /** Rings at that time if the segment can wait for it; false when it cannot, or when there is no time. */
  ringIfSoon(atMs: number | undefined): boolean;
  /** Calls back once, after as long as code may await something that is no step. */
  afterStall(look: () => void): void;
}

export interface AlarmParts extends Pick<InterpreterParts, "clock" | "budget" | "pause"> {
  /** Aborts when the segment is over; nothing rings then. */
  readonly signal: AbortSignal;
  readonly onTime: () => void;
}

export function createAlarm({ clock, budget, pause, signal, onTime }: AlarmParts): Alarm {
  const after = (ms: number, call: () => void): void => void pause(ms, signal).then(call, () => undefined);
  return {
    ringIfSoon(atMs) {
      if (atMs === undefined) return false;
      const waitMs = atMs - clock.now();
      const isSoon = waitMs <= limits.inlineWaitMsMax && budget.hasTimeFor(waitMs);
      if (isSoon) after(Math.max(0, waitMs), onTime);
      return isSoon;
    },
    afterStall: (look) => after(limits.codeStallMs, look),
  };
}
