import { limits } from "../core/limits.ts";
import type { CodeEnd } from "./code-end.ts";
import { isWorthCompacting, usualCompaction } from "./compaction-rule.ts";
import type { InterpreterParts } from "./interpreter.ts";
import { journalTooLarge, tooManySteps } from "./park-reasons.ts";

/** E7: how the segment ends where neither the run nor the segment has room for another step beside those that are under way; `undefined` where both have. */
export function endOfRoom(parts: InterpreterParts, underWay: number): CodeEnd | undefined {
  const { state, budget, compaction = usualCompaction } = parts;
  if (state.settled.length + state.waits.size >= limits.runStepsMax) return { kind: "stuck", failure: tooManySteps };
  if (state.bytes > limits.journalBytesMax) {
    const isWorthIt = isWorthCompacting(state, compaction);
    return isWorthIt ? { kind: "out-of-budget", reason: "journal-bytes" } : { kind: "stuck", failure: journalTooLarge };
  }
  const reason = budget.admit(underWay);
  return reason === undefined ? undefined : { kind: "out-of-budget", reason };
}
