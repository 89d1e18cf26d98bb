/**
 * The cron trigger that Cloudflare would fire: a call at each full minute of the stack's clock.
 *
 * 1. Minutes that come while a call is under way share the one call that follows it: time that is moved by days costs no thousands of calls.
 * 2. A call that fails is over; the next minute makes another. Production does the same.
 */
import type { StackClock } from "./clock.ts";

const minuteMs = 60_000;

/** @returns ends it; a call under way is awaited by nobody. */
export function startCron(clock: StackClock, call: () => Promise<unknown>): () => void {
  let isUnderWay = false;
  let isDueAgain = false;
  let isEnded = false;
  let cancel = plan();

  function plan(): () => void {
    const nextMs = (Math.floor(clock.now() / minuteMs) + 1) * minuteMs;
    return clock.schedule(nextMs, () => {
      cancel = plan();
      fire();
    });
  }

  function fire(): void {
    isDueAgain = isUnderWay;
    if (isUnderWay || isEnded) return;
    isUnderWay = true;
    void call()
      .catch(() => undefined)
      .finally(() => {
        isUnderWay = false;
        if (isDueAgain) fire();
      });
  }

  return () => {
    isEnded = true;
    cancel();
  };
}
