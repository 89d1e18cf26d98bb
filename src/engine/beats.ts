import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { JournalWriter } from "./journal-writer.ts";

/**
 * Renews the lease while a long step runs, so that a live step is never taken for dead; and so hears, at the latest after `beatMs`, of a cancellation.
 * A beat that fails is not worth the segment: the next flush will tell.
 * @returns stops it.
 */
export function startBeats(parts: {
  readonly writer: JournalWriter;
  readonly clock: Clock;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}): () => void {
  const stopper = new AbortController();
  async function beat(): Promise<void> {
    for (;;) {
      const silentMs = parts.clock.now() - parts.writer.flushedAt();
      await parts.pause(Math.max(1, limits.beatMs - silentMs), stopper.signal);
      if (parts.clock.now() - parts.writer.flushedAt() < limits.beatMs) continue;
      if (!parts.writer.hasPending()) parts.writer.add({ type: "beat" });
      await parts.writer.flush().catch((cause: unknown) => parts.log.warn("a sign of life failed", { cause }));
    }
  }
  beat().catch(() => undefined);
  return () => stopper.abort();
}
