import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import { LeaseLost, type JournalWriter } from "./journal-writer.ts";

/**
 * Renews the lease while a long step runs, so that a live step is never taken for dead; and so hears, at the latest after `beatMs`, of a cancellation,
 * or that the lease is lost. A beat that fails otherwise is not worth the segment: the next one may succeed.
 */
export function startBeats(parts: {
  readonly writer: JournalWriter;
  readonly clock: Clock;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  readonly onLost: (error: LeaseLost) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}): void {
  const { writer, clock } = parts;
  async function beat(): Promise<void> {
    let lastAt = clock.now();
    for (;;) {
      const silentMs = clock.now() - Math.max(lastAt, writer.flushedAt());
      await parts.pause(Math.max(1, limits.beatMs - silentMs), parts.signal);
      if (clock.now() - writer.flushedAt() < limits.beatMs) continue;
      lastAt = clock.now();
      if (writer.pending() === 0) writer.add({ type: "beat" });
      try {
        await writer.flush();
      } catch (error) {
        if (error instanceof LeaseLost) return parts.onLost(error);
        parts.log.warn("a sign of life failed", { cause: error });
      }
    }
  }
  beat().catch(() => undefined);
}
