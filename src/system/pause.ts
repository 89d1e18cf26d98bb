import type { Clock } from "../core/ports.ts";
import { systemClock } from "./clock.ts";

/**
 * Waits until `ms` milliseconds have passed by the clock; rejects with the signal's reason when it aborts, before or during the wait.
 *
 * A timer may fire a millisecond before the clock says so, and who then looks at the clock would find that nothing is due.
 */
export function pauseBy(clock: Clock) {
  return (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const untilMs = clock.now() + ms;
      let timer = setTimeout(onTimer, ms);
      function onTimer(): void {
        const leftMs = untilMs - clock.now();
        // More than the whole wait is left only by a clock that was set back.
        if (leftMs > 0 && leftMs <= ms) return void (timer = setTimeout(onTimer, leftMs));
        signal.removeEventListener("abort", onAbort);
        resolve();
      }
      function onAbort(): void {
        clearTimeout(timer);
        reject(signal.reason as Error);
      }
      signal.addEventListener("abort", onAbort, { once: true });
    });
}

export const systemPause = pauseBy(systemClock);
