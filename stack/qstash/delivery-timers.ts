import type { StackClock } from "../clock.ts";

/** When messages are worked on, at most one plan per message, and whether any work is under way. */
export interface DeliveryTimers {
  /** Runs `work` at `atMs`, never inside this call. Does nothing after `close`. */
  start(messageId: string, atMs: number, work: () => Promise<void> | void): void;
  /** Drops what was planned for the message; work that has begun goes on. */
  cancel(messageId: string): void;
  /** Resolves when no work is under way or due; what waits for its time does not count. */
  idle(): Promise<void>;
  /** Drops all plans. */
  close(): void;
}

export function createDeliveryTimers(clock: StackClock): DeliveryTimers {
  const planned = new Map<string, () => void>();
  const idleWaiters: (() => void)[] = [];
  let activeCount = 0;
  let isClosed = false;

  function end(): void {
    activeCount -= 1;
    if (activeCount > 0) return;
    for (const wake of idleWaiters.splice(0)) wake();
  }

  return {
    start(messageId, atMs, work) {
      if (isClosed) return;
      // Due work counts from now on: between the plan and its start nobody may think that all is quiet.
      const isDue = atMs <= clock.now();
      if (isDue) activeCount += 1;
      const cancelTask = clock.schedule(atMs, async () => {
        planned.delete(messageId);
        if (!isDue) activeCount += 1;
        try {
          await work();
        } finally {
          end();
        }
      });
      planned.set(messageId, () => {
        cancelTask();
        if (isDue) end();
      });
    },
    cancel(messageId) {
      planned.get(messageId)?.();
      planned.delete(messageId);
    },
    idle: () => (activeCount === 0 ? Promise.resolve() : new Promise((resolve) => void idleWaiters.push(resolve))),
    close() {
      isClosed = true;
      for (const cancel of planned.values()) cancel();
      planned.clear();
    },
  };
}
