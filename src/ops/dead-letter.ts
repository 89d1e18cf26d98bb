/** What failed for good and waits for a person: runs that are parked, and messages that the queue has given up. */

export interface DeadLetter {
  /** Of the run, or `dlq_` and the queue's id. */
  readonly id: string;
  readonly kind: "run" | "message";
  readonly userId: string | undefined;
  /** Unix ms. */
  readonly failedAt: number;
  /** The definition of the run, or the path that was to be called. */
  readonly what: string;
  readonly cause: Cause;
  /** The step at which a run is parked. */
  readonly step?: string;
  /** Of a message. */
  readonly messageId?: string;
}

export interface Cause {
  /** Letters with the same failed for the same reason: one remedy may help them all. */
  readonly key: string;
  readonly text: string;
}

export interface CauseGroup {
  readonly cause: Cause;
  readonly count: number;
  /** Unix ms. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly ids: readonly string[];
}

/** The greatest first, and of two as great the one that happened last. */
export function groupByCause(letters: readonly DeadLetter[]): readonly CauseGroup[] {
  const groups = Map.groupBy(letters, ({ cause }) => cause.key);
  return [...groups.values()]
    .map((group) => {
      const times = group.map(({ failedAt }) => failedAt);
      return {
        cause: group[0]!.cause,
        count: group.length,
        firstAt: Math.min(...times),
        lastAt: Math.max(...times),
        ids: group.map(({ id }) => id),
      };
    })
    .toSorted((a, b) => b.count - a.count || b.lastAt - a.lastAt);
}

/** Whose letters: one user's, or, for operators, everybody's. */
export type Whose = { readonly userId: string } | "all";
