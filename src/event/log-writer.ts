/**
 * Writes one turn's events into the log: counts sequence numbers, joins text, and decides when a flush is worth its price.
 *
 * W1 At most one flush is under way; what comes meanwhile waits for the next.
 * W2 At most `flushesMax` flushes before the closing one, spread ever wider, so that a long answer stays within a Worker's subrequests.
 * W3 After the answer "superseded" nothing is written any more and `onSuperseded` was called once.
 * W4 A flush that failed is repeated with the same sequence numbers; readers drop what they have.
 */
import type { Clock, Log } from "../core/ports.ts";
import { AppError } from "../core/errors.ts";
import type { Closing, ConversationRef, EventLog, Tenure } from "./event-log.ts";
import { formatRecord, markOf } from "./log-record.ts";
import type { TurnEnding, TurnEvent, TurnOpening } from "./turn-event.ts";

/** Coalescing and life signs; `leaseMs` must be several times `heartbeatMs`. */
export const writerLimits = {
  flushIntervalMs: 250,
  flushBytesMax: 16 * 1024,
  flushesMax: 40,
  heartbeatMs: 5_000,
  /** Without a sign of life for this long, a turn counts as dead and anyone may take it over. */
  leaseMs: 30_000,
  closingAttemptsMax: 3,
} as const;

export interface LogWriter {
  /** Text that is already escaped for a JSON string, without the quotes. Never waits. */
  text(escaped: string): void;
  /** Never waits. */
  event(event: TurnEvent): void;
  /**
   * Resolves when all that was written is durable. Does nothing when nothing was.
   * @throws turn_running (refuse) when somebody superseded this writer; redis_unavailable (retry) when the storage did not answer several times.
   */
  settle(): Promise<void>;
  /** To be called now and then (each second): flushes what is due, shows a sign of life when there was long none. */
  pulse(): Promise<void>;
  /**
   * Appends the ending and what the turn leaves in memory. True when it is durable; false when somebody superseded this writer.
   * @throws redis_unavailable (retry) when the storage did not answer several times; the turn is then found by its dead lease.
   */
  close(ending: TurnEnding, closing: Closing): Promise<boolean>;
  isSuperseded(): boolean;
}

export interface LogWriterParts {
  readonly log: EventLog;
  readonly ref: ConversationRef;
  readonly tenure: Tenure;
  readonly opening: TurnOpening;
  /** True when the opening has not been published yet: then it travels with the first flush. */
  readonly isOpeningUnpublished: boolean;
  readonly clock: Clock;
  readonly logger: Log;
  readonly onSuperseded: () => void;
}

export function createLogWriter(parts: LogWriterParts): LogWriter {
  const { clock, tenure } = parts;
  let seq = 1;
  let listLength = tenure.listLength;
  let escapedText = "";
  let pending: string[] = [];
  let unpublished = parts.isOpeningUnpublished ? [record(0, parts.opening)] : [];
  let flushes = 0;
  let lastFlushAt = clock.now();
  let underWay: Promise<void> | undefined;
  let superseded = false;

  function record(number: number, event: TurnEvent, json = JSON.stringify(event)): string {
    return formatRecord({ generation: tenure.generation, seq: number }, markOf(event), clock.now(), json);
  }

  function append(event: TurnEvent, json?: string): void {
    pending.push(record(seq, event, json));
    seq += 1;
  }

  function settleText(): void {
    if (escapedText === "") return;
    append({ type: "message-delta", text: "" }, `{"type":"message-delta","text":"${escapedText}"}`);
    escapedText = "";
  }

  async function flush(closing?: Closing): Promise<void> {
    settleText();
    const batch = pending;
    const published = [...unpublished, ...batch];
    const answer = await parts.log.flush(parts.ref, batch, published, listLength + batch.length, closing);
    lastFlushAt = clock.now();
    if (answer.kind === "superseded") {
      superseded = true;
      parts.onSuperseded();
      return;
    }
    listLength = answer.listLength;
    pending = pending.slice(batch.length);
    unpublished = [];
  }

  /** Repeated, for what waits for it cannot do without. */
  async function flushSurely(closing?: Closing): Promise<void> {
    for (let attempt = 1; !superseded; attempt += 1) {
      try {
        underWay = flush(closing).finally(() => (underWay = undefined));
        return await underWay;
      } catch (cause) {
        if (attempt >= writerLimits.closingAttemptsMax || !(cause instanceof AppError)) throw cause;
        parts.logger.warn("a flush failed and is repeated", { attempt, cause: String(cause) });
      }
    }
  }

  function startFlush(): void {
    if (underWay !== undefined || superseded || flushes >= writerLimits.flushesMax) return;
    flushes += 1;
    underWay = flush()
      .catch((cause: unknown) => {
        lastFlushAt = clock.now();
        parts.logger.warn("a flush of events failed and will be repeated", { cause: String(cause) });
      })
      .finally(() => {
        underWay = undefined;
      });
  }

  function isDue(): boolean {
    const intervalMs = writerLimits.flushIntervalMs * (1 + flushes / 4);
    return clock.now() - lastFlushAt >= intervalMs || escapedText.length >= writerLimits.flushBytesMax;
  }

  const hasPending = (): boolean => pending.length > 0 || escapedText !== "" || unpublished.length > 0;

  return {
    text(escaped) {
      escapedText += escaped;
      if (isDue()) startFlush();
    },
    event(event) {
      settleText();
      append(event);
      if (isDue()) startFlush();
    },
    async pulse() {
      const isSilent = clock.now() - lastFlushAt >= writerLimits.heartbeatMs;
      if (!hasPending() && isSilent) append({ type: "heartbeat" });
      if (hasPending() && (isDue() || isSilent)) startFlush();
      await underWay;
    },
    async settle() {
      await underWay;
      if (hasPending()) await flushSurely();
      if (superseded) throw new AppError("turn_running", "another writer has this turn now");
    },
    async close(ending, closing) {
      await underWay;
      settleText();
      append(ending);
      await flushSurely(closing);
      return !superseded;
    },
    isSuperseded: () => superseded,
  };
}
