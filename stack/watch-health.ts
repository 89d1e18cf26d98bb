/**
 * Looks now and then whether something answers, and says when it has not for several looks in a row.
 *
 * 1. One look at a time, and none while what was said is acted upon: the count begins anew after it.
 * 2. An answer in between begins the count anew, too: a Worker that is being built again is slow, not lost.
 */
export interface HealthWatch {
  /** One look; a rejection counts as a failed one. */
  readonly isHealthy: () => Promise<boolean>;
  /** Waits before each look; rejects, or never resolves, once the watch has ended. */
  readonly pause: () => Promise<void>;
  readonly failuresMax: number;
  /** Brings it back. When it rejects the watch goes on all the same. */
  readonly onLost: () => Promise<void>;
}

/** @returns ends it; a look that is under way has no more consequences. */
export function watchHealth({ isHealthy, pause, failuresMax, onLost }: HealthWatch): () => void {
  let isEnded = false;

  async function look(): Promise<void> {
    let failures = 0;
    for (;;) {
      await pause();
      if (isEnded) return;
      failures = (await isHealthy().catch(() => false)) ? 0 : failures + 1;
      if (isEnded) return;
      if (failures < failuresMax) continue;
      await onLost().catch(() => undefined);
      failures = 0;
    }
  }

  look().catch(() => undefined);
  return () => {
    isEnded = true;
  };
}
