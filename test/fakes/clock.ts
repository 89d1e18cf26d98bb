import type { Clock, Log, Random } from "../../src/core/ports.ts";

/** A clock that stands still until a test moves it, and waits that end when it has passed them. */
export function manualClock(startMs = 1_800_000_000_000): Clock & {
  advance(ms: number): Promise<void>;
  pause(ms: number, signal: AbortSignal): Promise<void>;
} {
  let nowMs = startMs;
  const waits = new Set<{ atMs: number; resolve(): void }>();
  return {
    now: () => nowMs,
    async advance(ms) {
      nowMs += ms;
      for (const wait of waits) if (wait.atMs <= nowMs) wait.resolve();
      await settle();
    },
    pause(ms, signal) {
      return new Promise((resolve, reject) => {
        const wait = { atMs: nowMs + ms, resolve: () => (waits.delete(wait), resolve()) };
        waits.add(wait);
        signal.addEventListener("abort", () => (waits.delete(wait), reject(signal.reason as Error)), { once: true });
      });
    },
  };
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export function countingRandom(): Random {
  let count = 0;
  return {
    uuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, "0")}`,
    bytes: (length) => new Uint8Array(length),
  };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog };
