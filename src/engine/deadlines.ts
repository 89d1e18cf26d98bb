/**
 * The deadlines of all attempts of a segment, watched by one timer: to set one for each and to take it back would cost more than the rest of a step's
 * bookkeeping.
 *
 * The timer runs to the earliest deadline at the time at which it was set. If that one was met, it finds nothing due and is set anew for what is left.
 */
import type { Clock } from "../core/ports.ts";

export interface Deadlines {
  /** Calls `onMissed` once, when `ms` have passed. @returns takes the deadline back. */
  set(ms: number, onMissed: () => void): () => void;
}

export interface DeadlinesParts {
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

interface Deadline {
  readonly atMs: number;
  readonly onMissed: () => void;
}

export function createDeadlines({ clock, pause, signal }: DeadlinesParts): Deadlines {
  const deadlines = new Set<Deadline>();
  let wakesAtMs = Infinity;

  function wakeBy(atMs: number): void {
    if (atMs >= wakesAtMs) return;
    wakesAtMs = atMs;
    pause(Math.max(0, atMs - clock.now()), signal).then(
      () => wake(atMs),
      () => undefined,
    );
  }

  function wake(atMs: number): void {
    // Another timer was set for an earlier deadline, and does all that is to be done.
    if (atMs !== wakesAtMs) return;
    wakesAtMs = Infinity;
    for (const deadline of deadlines) {
      if (deadline.atMs > clock.now()) continue;
      deadlines.delete(deadline);
      deadline.onMissed();
    }
    wakeBy(Math.min(...Array.from(deadlines, (deadline) => deadline.atMs)));
  }

  return {
    set(ms, onMissed) {
      const deadline = { atMs: clock.now() + ms, onMissed };
      deadlines.add(deadline);
      wakeBy(deadline.atMs);
      return () => void deadlines.delete(deadline);
    },
  };
}
