import type { StackClock } from "../clock.ts";

/** The timers of steps that wait for an event, one per step at most. */
export interface WaitTimers {
  /** Runs `task` at `atMs` in place of what was planned for the step, never inside this call. */
  arm(openStepId: string, atMs: number, task: () => void): void;
  disarm(openStepId: string): void;
  close(): void;
}

export function createWaitTimers(clock: StackClock): WaitTimers {
  const planned = new Map<string, () => void>();

  function disarm(openStepId: string): void {
    planned.get(openStepId)?.();
    planned.delete(openStepId);
  }

  return {
    arm(openStepId, atMs, task) {
      disarm(openStepId);
      const cancel = clock.schedule(atMs, () => {
        planned.delete(openStepId);
        task();
      });
      planned.set(openStepId, cancel);
    },
    disarm,
    close() {
      for (const cancel of planned.values()) cancel();
      planned.clear();
    },
  };
}
