import type { Meter } from "../core/meter.ts";
import type { Log, Random } from "../core/ports.ts";
import type { RunFold } from "./fold-run.ts";
import type { RunRef } from "./journal.ts";
import type { Failure } from "./journal-entry.ts";
import type { LearnedBudget } from "./learned-budget.ts";

export interface OpenedSegment {
  readonly ref: RunRef;
  readonly segment: string;
  /** This segment has the lease in it. */
  readonly fold: RunFold;
  /** The run's own entries at the end of the journal that no reader has been told of. */
  readonly unpublished: readonly string[];
  readonly learned: LearnedBudget | undefined;
  readonly startedAtMs: number;
  /** Set where the run is to end in failure: nothing is done any more but to undo. */
  readonly failure?: Failure;
  /** What the invocation had spent before it turned to this run. */
  readonly spentBefore: Meter;
}

/** The same parts, whose log says of each entry which segment of which run it is about. */
export function withSegmentLog<Parts extends { readonly log: Log }>(
  parts: Parts,
  { runId }: RunRef,
  segment: string,
): Parts {
  return { ...parts, log: parts.log.with({ runId, segment }) };
}

/** Unique among the segments of a run; has no space. */
export function newSegmentId(random: Random): string {
  return Array.from(random.bytes(6), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
