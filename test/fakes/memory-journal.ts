import type { RunFeed } from "../../src/engine/follow-run.ts";
import type { BudgetBook, DueRuns, Journal, RunIndex, RunRef, Told } from "../../src/engine/journal.ts";

export interface MemoryConversation {
  /** Runs that are not over. */
  readonly active: Set<string>;
  readonly messages: string[];
}

export interface MemoryJournal extends Journal, DueRuns, RunIndex, BudgetBook, RunFeed {
  /** Ends every subscription, as a lost connection does. */
  disconnect(): void;
  entries(ref: RunRef): string[];
  /** All that there are. */
  runs(): RunRef[];
  conversation(userId: string, conversationId: string): MemoryConversation;
  /** Names of the calls so far, in order. */
  calls: string[];
  /** What readers were told. */
  published: ({ readonly key: string } & Told)[];
  learned: Map<string, string>;
  dueAt(ref: RunRef): number | undefined;
  /** Infinity when nothing is due. */
  nextDueMs(): number;
}

/** Runs in memory; held to the same cases as the real adapter by `test/contract/journal.test.ts`. */
export function memoryJournal(): MemoryJournal {
  const lists = new Map<string, string[]>();
  const due = new Map<string, { ref: RunRef; atMs: number }>();
  const index = new Map<string, { userId: string; runId: string; startedAtMs: number }>();
  const learned = new Map<string, string>();
  const conversations = new Map<string, MemoryConversation>();
  const published: MemoryJournal["published"] = [];
  const calls: string[] = [];
  const subscribers = new Set<{ readonly key: string; push(told: Told): void; end(): void }>();
  const keyOf = ({ userId, runId }: RunRef): string => `${userId}/${runId}`;
  const listOf = (ref: RunRef): string[] => lists.get(keyOf(ref)) ?? [];

  function conversationOf({ userId }: Pick<RunRef, "userId">, conversationId: string): MemoryConversation {
    const key = `${userId}/${conversationId}`;
    const known = conversations.get(key) ?? { active: new Set(), messages: [] };
    conversations.set(key, known);
    return known;
  }

  function push(ref: RunRef, entries: readonly string[]): number {
    const list = [...listOf(ref), ...entries];
    lists.set(keyOf(ref), list);
    return list.length;
  }

  function tell(ref: RunRef, told: Told): void {
    published.push({ key: keyOf(ref), ...told });
    for (const subscriber of subscribers) if (subscriber.key === keyOf(ref)) subscriber.push(told);
  }

  return {
    calls,
    published,
    learned,
    entries: listOf,
    conversation: (userId, conversationId) => conversationOf({ userId }, conversationId),
    runs: () => [...index.values()].map(({ userId, runId }) => ({ userId, runId })),
    nextDueMs: () => Math.min(...[...due.values()].map(({ atMs }) => atMs)),
    dueAt: (ref) => due.get(keyOf(ref))?.atMs,

    async start(ref, { entries, startedAtMs, dueAtMs, definition, conversation }) {
      calls.push("start");
      if (conversation !== undefined) {
        const { active, messages } = conversationOf(ref, conversation.conversationId);
        messages.push(...conversation.messages);
        active.add(ref.runId);
      }
      due.set(keyOf(ref), { ref, atMs: dueAtMs });
      if (!index.has(keyOf(ref))) index.set(keyOf(ref), { ...ref, startedAtMs });
      const length = push(ref, entries);
      return { length, learned: definition === undefined ? undefined : learned.get(definition) };
    },
    async open(ref, opening, { definition, isTold }) {
      calls.push("open");
      if (lists.has(keyOf(ref))) push(ref, [opening]);
      if (isTold) tell(ref, { from: Number.MAX_SAFE_INTEGER, entries: [opening] });
      return { entries: listOf(ref), learned: learned.get(definition) };
    },
    async append(ref, entries, told, note) {
      calls.push("append");
      if (note !== undefined) {
        const { active, messages } = conversationOf(ref, note.conversationId);
        messages.push(...note.messages);
        active.delete(ref.runId);
      }
      if (!lists.has(keyOf(ref))) return 0;
      const length = push(ref, entries);
      if (told !== undefined) tell(ref, told);
      return length;
    },
    async read(ref, from) {
      calls.push("read");
      return listOf(ref).slice(from);
    },

    async readMany(refs) {
      calls.push("readMany");
      return refs.map(listOf);
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
    async overdue(nowMs, count) {
      const overdue = [...due.values()].filter(({ atMs }) => atMs <= nowMs).toSorted((a, b) => a.atMs - b.atMs);
      return overdue.slice(0, count).map(({ ref }) => ref);
    },
    async page(userId, { atMostMs, skip, count }) {
      return [...index.values()]
        .filter((run) => run.userId === userId && run.startedAtMs <= atMostMs)
        .toSorted((a, b) => b.startedAtMs - a.startedAtMs)
        .slice(skip, skip + count)
        .map(({ runId, startedAtMs }) => ({ runId, startedAtMs }));
    },
    async postpone(runs) {
      for (const { ref, dueAtMs } of runs) if (due.has(keyOf(ref))) due.set(keyOf(ref), { ref, atMs: dueAtMs });
    },
    async retire(refs) {
      calls.push("retire");
      for (const ref of refs) due.delete(keyOf(ref));
    },
    async remove(userId, runIds) {
      for (const runId of runIds) index.delete(`${userId}/${runId}`);
    },
    async store(definition, text) {
      learned.set(definition, text);
    },
  };
}
