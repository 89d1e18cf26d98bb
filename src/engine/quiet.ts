/** What follows where no step is under way and the code of a run waits, or has ended. Knows nothing of how it is done. */
import type { CodeEnd } from "./code-end.ts";
import { isInterrupted, isUndoWanted, type RunState } from "./run-state.ts";
import { areAttempts, mayHaveHappened, type Among, type Waits } from "./waits.ts";

export type AfterQuiet =
  | { readonly kind: "end"; readonly end: CodeEnd }
  /** A wait is over, and was settled. */
  | { readonly kind: "settled" }
  /** Only time, or a word from outside, brings the run on. */
  | { readonly kind: "wait"; readonly untilMs: number | undefined }
  /** The code awaits something that is no step. */
  | { readonly kind: "stall" };

export interface QuietParts {
  readonly state: RunState;
  readonly waits: Waits;
  /** How the code ended; absent while it waits. */
  readonly left: CodeEnd | undefined;
  /** Nothing is begun, so that a step may be left that was asked for. */
  readonly isReplayOnly: boolean;
  readonly isStepLeft: boolean;
}

export const interrupted = { kind: "interrupted" } as const;

export function afterQuiet({ state, waits, left, isReplayOnly, isStepLeft }: QuietParts): AfterQuiet {
  if (isReplayOnly) return { kind: "end", end: left === undefined || isStepLeft ? interrupted : left };
  // U3: what may have happened is seen to its end first, so that it can be undone.
  if (isInterrupted(state)) return endAfter(interrupted, waits, isUndoWanted(state) ? mayHaveHappened : none);
  if (left !== undefined) return endAfter(left, waits, areAttempts, every);
  if (waits.settleOne()) return { kind: "settled" };
  return waits.isEmpty() ? { kind: "stall" } : { kind: "wait", untilMs: waits.nextAtMs() };
}

/** Ends when none of the waits is left that `among` names; until then those go on that `goingOn` names. */
function endAfter(end: CodeEnd, waits: Waits, among: Among, goingOn = among): AfterQuiet {
  const untilMs = waits.nextAtMs(among);
  if (untilMs === undefined) return { kind: "end", end };
  return waits.settleOne(goingOn) ? { kind: "settled" } : { kind: "wait", untilMs };
}

const every: Among = () => true;
const none: Among = () => false;
