import { limits } from "../core/limits.ts";
import type { RunState } from "./run-state.ts";

export interface CompactionRule {
  readonly aboveEntries: number;
  /** At least 1. */
  readonly keepEntries: number;
}

export const usualCompaction: CompactionRule = {
  aboveEntries: limits.compactAboveEntries,
  keepEntries: limits.compactKeepEntries,
};

/** Whether more than half of the entries are of no use any more: turns that are over, beats, openings, events that are told. */
export function isWorthCompacting(state: RunState, rule: CompactionRule): boolean {
  const useful = state.settled.length + state.waits.size + state.attempts.size + state.signals.length;
  return state.length > Math.max(rule.aboveEntries, rule.keepEntries + 1) && useful * 2 < state.length;
}
