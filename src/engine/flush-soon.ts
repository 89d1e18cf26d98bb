import { limits } from "../core/limits.ts";
import { LeaseLost, type JournalWriter } from "./journal-writer.ts";

/**
 * Makes durable what is decided while other steps are under way or the code waits: else a death would cost more than the step that it hits, and readers would
 * hear of it with the next beat only. A step that is followed by another at once needs none of this, for it is flushed before that begins.
 * A flush that fails is not worth the segment: what was added goes with the next one, at the latest with the next sign of life.
 * @returns has what was added flushed, `publishMs` later at the latest. Costs nothing when it was flushed meanwhile.
 */
export function createFlushSoon(parts: {
  readonly writer: JournalWriter;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Nothing is flushed after it aborts. */
  readonly signal: AbortSignal;
  readonly onLost: (error: LeaseLost) => void;
}): () => void {
  const { writer, pause, signal } = parts;
  let isPlanned = false;

  async function flush(): Promise<void> {
    isPlanned = false;
    if (writer.pending() === 0 || signal.aborted) return;
    await writer.flush().catch((error: unknown) => {
      if (error instanceof LeaseLost) parts.onLost(error);
    });
  }

  return () => {
    if (isPlanned) return;
    isPlanned = true;
    pause(limits.publishMs, signal).then(flush, () => undefined);
  };
}
