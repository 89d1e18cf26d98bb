/**
 * Writes for one segment: collects records, makes them durable in as few round trips as can be, and notices what others wrote.
 *
 * W1 One flush at a time; what comes meanwhile goes with the next.
 * W2 The common flush is one command. Only when the list is longer than it would be had nobody else written, what came in between is read.
 * W3 Once somebody else is seen to have the lease nothing is written any more: every call throws `LeaseLost`.
 * W4 A flush that failed is repeated with the same entries, at once or with the next; readers count them once.
 * W5 Readers who are connected are told of every entry, at most once per `publishMs`, and always with the last flush.
 */
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { ConversationNote, Journal, RunRef, Told } from "./journal.ts";
import { formatEntry } from "./journal-entry.ts";
import type { JournalEntry, SegmentRecord } from "./journal-entry.ts";
import type { RunFold } from "./fold-run.ts";

/** Another segment has this run now, or the run is gone. Not a failure: what was begun here is simply of no use. */
export class LeaseLost extends Error {
  constructor() {
    super("another segment has this run now");
    this.name = "LeaseLost";
  }
}

export interface JournalWriter {
  /** Adds a record to the next flush. @returns its time, in unix ms. */
  add(record: SegmentRecord): number;
  /**
   * Resolves when all that was added is durable. Does nothing when nothing was added.
   * @throws LeaseLost; redis_unavailable (retry) when the storage did not answer several times.
   */
  flush(): Promise<void>;
  /** The last flush: adds `record`, and tells the readers. Nothing is written after it. @param note goes with it. */
  close(record: SegmentRecord, note?: ConversationNote): Promise<void>;
  /** Records that are not durable yet. */
  pending(): number;
  /** Unix ms of the last flush. */
  flushedAt(): number;
}

export interface JournalWriterParts {
  readonly journal: Journal;
  readonly ref: RunRef;
  readonly segment: string;
  /** Holds what is in the journal so far, this segment's opening included; what is flushed is applied to it. */
  readonly fold: RunFold;
  /** Entries at the end of the journal that no reader has been told of. */
  readonly unpublished: readonly string[];
  readonly isPublishing: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Somebody else's entries count: a signal, an order. */
  readonly onNews: () => void;
}

interface Pending {
  readonly entry: JournalEntry;
  readonly text: string;
}

export function createJournalWriter(parts: JournalWriterParts): JournalWriter {
  const { journal, ref, segment, fold, clock } = parts;
  let pending: Pending[] = [];
  let seq = 1;
  let { length } = fold.state;
  let unpublished = [...parts.unpublished];
  let flushedAt = clock.now();
  let publishedAt = -Infinity;
  let underWay: Promise<void> | undefined;
  let isLost = false;
  let isClosed = false;

  function add(record: SegmentRecord): number {
    const entry = { writer: segment, seq, at: clock.now(), record };
    seq += 1;
    pending.push({ entry, text: formatEntry(entry) });
    return entry.at;
  }

  async function flushOnce(isLast: boolean, note?: ConversationNote): Promise<void> {
    const batch = pending;
    pending = [];
    try {
      await write(batch, isLast, note);
    } catch (error) {
      // W4
      if (!(error instanceof LeaseLost)) pending = [...batch, ...pending];
      throw error;
    }
  }

  async function write(batch: readonly Pending[], isLast: boolean, note?: ConversationNote): Promise<void> {
    const texts = batch.map(({ text }) => text);
    const isPublishDue = parts.isPublishing && (isLast || clock.now() - publishedAt >= limits.publishMs);
    const from = fold.state.places - unpublished.length;
    const told = isPublishDue ? { from, entries: [...unpublished, ...texts] } : undefined;
    const answer = await append(texts, told, note);
    if (answer === length + texts.length) {
      length = answer;
      for (const { entry, text } of batch) if (!fold.applyEntry(entry, text.length)) lose();
    } else await catchUp(texts, answer, isLast);
    flushedAt = clock.now();
    if (isPublishDue) {
      unpublished = [];
      publishedAt = flushedAt;
    } else if (parts.isPublishing) unpublished.push(...texts);
  }

  /** Somebody else wrote, or a repeated flush had its effect twice; or the volume is gone, since somebody else has compacted it. */
  async function catchUp(texts: readonly string[], answer: number, isLast: boolean): Promise<void> {
    if (answer <= length) lose();
    const ours = new Set(texts);
    const entries = await journal.read(ref, length);
    if (entries.length < answer - length)
      throw new AppError("redis_unavailable", "the journal was read before its end");
    let hasNews = false;
    for (const text of entries) {
      if (!fold.apply(text)) continue;
      if (!ours.delete(text)) hasNews = true;
    }
    length += entries.length;
    const isOurs = isLast || fold.state.holder?.segment === segment;
    if (ours.size > 0 || !isOurs) lose();
    if (hasNews) parts.onNews();
  }

  function lose(): never {
    isLost = true;
    throw new LeaseLost();
  }

  async function append(
    texts: readonly string[],
    told: Told | undefined,
    note: ConversationNote | undefined,
  ): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await journal.append(ref, texts, told, note);
      } catch (error) {
        const mayPass = error instanceof AppError && error.disposition === "retry";
        if (!mayPass || attempt >= limits.flushAttemptsMax) throw error;
        parts.log.warn("a flush of the journal failed and is repeated", { attempt, cause: error });
      }
    }
  }

  /** W1 */
  async function inTurn(work: () => Promise<void>): Promise<void> {
    while (underWay !== undefined) await underWay.catch(() => undefined);
    if (isLost) throw new LeaseLost();
    underWay = work().finally(() => (underWay = undefined));
    await underWay;
  }

  return {
    add,
    async flush() {
      if (isClosed) return;
      await inTurn(async () => {
        if (pending.length > 0) await flushOnce(false);
      });
    },
    async close(record, note) {
      await inTurn(async () => {
        isClosed = true;
        add(record);
        await flushOnce(true, note);
      });
    },
    pending: () => pending.length,
    flushedAt: () => flushedAt,
  };
}
