import type { RunFeed } from "../../src/engine/follow-run.ts";
import type { RunRef, Told } from "../../src/engine/journal.ts";

export interface MemoryRunFeed extends RunFeed {
  tell(ref: RunRef, told: Told): void;
  /** Ends every subscription, as a lost connection does. */
  disconnect(): void;
}

export function memoryRunFeed(keyOf: (ref: RunRef) => string): MemoryRunFeed {
  const subscribers = new Set<{ readonly key: string; push(told: Told): void; end(): void }>();
  return {
    tell(ref, told) {
      for (const subscriber of subscribers) if (subscriber.key === keyOf(ref)) subscriber.push(told);
    },
    disconnect: () => subscribers.forEach((subscriber) => subscriber.end()),
    async subscribe(ref, signal) {
      const waiting: Told[] = [];
      let isEnded = false;
      let wake = (): void => {};
      const subscriber = {
        key: keyOf(ref),
        push: (told: Told) => (waiting.push(told), wake()),
        end: () => ((isEnded = true), wake()),
      };
      subscribers.add(subscriber);
      signal.addEventListener("abort", subscriber.end, { once: true });
      async function* batches(): AsyncGenerator<Told, void, undefined> {
        try {
          for (;;) {
            yield* waiting.splice(0);
            if (isEnded) return;
            await new Promise<void>((resolve) => (wake = resolve));
          }
        } finally {
          subscribers.delete(subscriber);
        }
      }
      return batches();
    },
  };
}
