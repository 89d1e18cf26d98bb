import { formatEventId, type EventId } from "../../src/event/event-id.ts";
import type {
  Closing,
  ConversationRef,
  DueTurns,
  EventFeed,
  EventLog,
  OpenAnswer,
  SupersedeAnswer,
} from "../../src/event/event-log.ts";
import { formatRecord, markOf, validRecords, type LogRecord } from "../../src/event/log-record.ts";
import type { TurnEnding, TurnOpening } from "../../src/event/turn-event.ts";
import type { Clock } from "../../src/core/ports.ts";

export interface MemoryEventLog extends EventLog, EventFeed, DueTurns {
  entries(ref: ConversationRef): string[];
  messages(ref: ConversationRef): string[];
  closings: Closing[];
  /** Number of calls of each kind so far. */
  calls: string[];
  forget(ref: ConversationRef): void;
  /** Ends every subscription, as a lost connection does. */
  disconnect(): void;
}

/** The event list and its feed in memory; held to the same cases as the real adapter by `test/contract/event-log.test.ts`. */
export function memoryEventLog(clock: Clock): MemoryEventLog {
  const lists = new Map<string, string[]>();
  const memories = new Map<string, string[]>();
  const subscribers = new Set<{ key: string; push(entries: readonly string[]): void; end(): void }>();
  const due = new Map<string, { ref: ConversationRef; atMs: number }>();
  const closings: Closing[] = [];
  const calls: string[] = [];
  const keyOf = (ref: ConversationRef): string => `${ref.userId}/${ref.conversationId}`;
  const listOf = (ref: ConversationRef): string[] => lists.get(keyOf(ref)) ?? [];

  function append(ref: ConversationRef, entries: readonly string[]): number {
    const list = [...listOf(ref), ...entries];
    lists.set(keyOf(ref), list);
    return list.length;
  }
  function remember(ref: ConversationRef, messages: readonly string[]): void {
    memories.set(keyOf(ref), [...(memories.get(keyOf(ref)) ?? []), ...messages]);
  }
  function publish(ref: ConversationRef, entries: readonly string[]): void {
    for (const subscriber of subscribers) if (subscriber.key === keyOf(ref)) subscriber.push(entries);
  }
  const tailOf = (ref: ConversationRef): LogRecord | undefined => validRecords(listOf(ref)).at(-1);
  const nextGeneration = (tail: LogRecord | undefined): number => Math.max(clock.now(), (tail?.id.generation ?? 0) + 1);

  return {
    calls,
    closings,
    entries: listOf,
    messages: (ref) => memories.get(keyOf(ref)) ?? [],
    forget: (ref) => void lists.delete(keyOf(ref)),
    disconnect: () => subscribers.forEach((subscriber) => subscriber.end()),

    async overdue(nowMs, count) {
      const overdue = [...due.values()].filter(({ atMs }) => atMs <= nowMs).toSorted((a, b) => a.atMs - b.atMs);
      return overdue.slice(0, count).map(({ ref }) => ref);
    },
    async postpone(turns) {
      for (const { ref, dueAtMs } of turns) if (due.has(keyOf(ref))) due.set(keyOf(ref), { ref, atMs: dueAtMs });
    },
    async retire(refs) {
      for (const ref of refs) due.delete(keyOf(ref));
    },
    async readMany(refs) {
      calls.push("readMany");
      return refs.map((ref) => validRecords(listOf(ref)));
    },

    async open(ref: ConversationRef, opening: TurnOpening): Promise<OpenAnswer> {
      calls.push("open");
      due.set(keyOf(ref), { ref, atMs: clock.now() + 60_000 });
      const tail = tailOf(ref);
      if (tail?.mark === "o" && "runId" in tail.event && tail.event.runId === opening.runId) {
        return { kind: "opened", tenure: { generation: tail.id.generation, listLength: listOf(ref).length } };
      }
      if (tail !== undefined && tail.mark !== "e") return { kind: "running", last: tail.id, lastAt: tail.at };
      const generation = nextGeneration(tail);
      const listLength = append(ref, [formatRecord({ generation, seq: 0 }, "o", clock.now(), JSON.stringify(opening))]);
      return { kind: "opened", tenure: { generation, listLength } };
    },

    async supersede(
      ref: ConversationRef,
      expected: EventId,
      record: TurnOpening | TurnEnding,
      messages: readonly string[] = [],
    ): Promise<SupersedeAnswer> {
      calls.push("supersede");
      const tail = tailOf(ref);
      if (tail === undefined) return { kind: "moved" };
      if (tail.id.seq === 0 && JSON.stringify(tail.event) === JSON.stringify(record)) {
        return { kind: "superseded", tenure: { generation: tail.id.generation, listLength: listOf(ref).length } };
      }
      if (formatEventId(tail.id) !== formatEventId(expected)) return { kind: "moved" };
      const generation = nextGeneration(tail);
      const entry = formatRecord({ generation, seq: 0 }, markOf(record), clock.now(), JSON.stringify(record));
      const listLength = append(ref, [entry]);
      publish(ref, [entry]);
      remember(ref, messages);
      return { kind: "superseded", tenure: { generation, listLength } };
    },

    async flush(ref, records, published, expectedLength, closing) {
      calls.push(closing === undefined ? "flush" : "close");
      if (closing !== undefined) closings.push(closing);
      if (!lists.has(keyOf(ref))) return { kind: "superseded" };
      const listLength = append(ref, records);
      publish(ref, published);
      if (closing !== undefined) remember(ref, closing.messages);
      const ours = Number(records[0]?.split(" ", 1)[0]);
      const isOurs = listLength === expectedLength || tailOf(ref)?.id.generation === ours;
      return isOurs ? { kind: "flushed", listLength } : { kind: "superseded" };
    },

    async read(ref) {
      calls.push("read");
      return validRecords(listOf(ref));
    },

    async subscribe(ref, signal) {
      calls.push("subscribe");
      const queue: (readonly string[])[] = [];
      let isEnded = false;
      let wake = (): void => undefined;
      const subscriber = {
        key: keyOf(ref),
        push: (entries: readonly string[]) => {
          queue.push(entries);
          wake();
        },
        end: () => {
          isEnded = true;
          wake();
        },
      };
      subscribers.add(subscriber);
      signal.addEventListener("abort", subscriber.end);
      async function* batches(): AsyncGenerator<readonly string[], void, undefined> {
        try {
          while (!isEnded || queue.length > 0) {
            yield* queue.splice(0);
            if (isEnded) return;
            if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
          }
        } finally {
          subscribers.delete(subscriber);
        }
      }
      return batches();
    },
  };
}
