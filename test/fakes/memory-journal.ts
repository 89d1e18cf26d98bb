import type { RunFeed } from "../../src/engine/follow-run.ts";
import type { BudgetBook, DueRuns, Journal, RunIndex, RunRef, Told } from "../../src/engine/journal.ts";
import { memoryRunFeed } from "./memory-run-feed.ts";

export interface MemoryConversation {
  /** Runs that are not over. */
  readonly active: Set<string>;
  readonly messages: string[];
}

export interface MemoryJournal extends Journal, DueRuns, RunIndex, BudgetBook, RunFeed {
  /** Ends every subscription, as a lost connection does. */
  disconnect(): void;
  /** Of the newest volume. */
  entries(ref: RunRef): string[];
  /** All that there are. */
  runs(): RunRef[];
  conversation(userId: string, conversationId: string): MemoryConversation;
  /** Names of the calls so far, in order. */
  calls: string[];
  /** What readers were told. */
  published: ({ readonly key: string } & Told)[];
  learned: Map<string, string>;
  /** Runs that are over, and therefore expire. */
  expiring: Set<string>;
  dueAt(ref: RunRef): number | undefined;
  /** Infinity when nothing is due. */
  nextDueMs(): number;
  forget(ref: RunRef): void;
}

/** Runs in memory; held to the same cases as the real adapter by `test/contract/journal.test.ts`. */
export function memoryJournal(): MemoryJournal {
  const volumes = new Map<string, { readonly volume: number; readonly list: string[] }>();
  const due = new Map<string, { ref: RunRef; atMs: number }>();
  const index = new Map<string, { userId: string; runId: string; startedAtMs: number }>();
  const learned = new Map<string, string>();
  const conversations = new Map<string, MemoryConversation>();
  const expiring = new Set<string>();
  const published: MemoryJournal["published"] = [];
  const calls: string[] = [];
  const feed = memoryRunFeed(keyOf);

  const listOf = (ref: RunRef): string[] => volumes.get(keyOf(ref))?.list ?? [];
  const isNewest = ({ volume = 0, ...ref }: RunRef): boolean => volumes.get(keyOf(ref))?.volume === volume;

  function conversationOf({ userId }: Pick<RunRef, "userId">, conversationId: string): MemoryConversation {
    const key = `${userId}/${conversationId}`;
    const known = conversations.get(key) ?? { active: new Set(), messages: [] };
    conversations.set(key, known);
    return known;
  }

  /** 0 when there is no such run. */
  function push(ref: RunRef, entries: readonly string[]): number {
    const newest = volumes.get(keyOf(ref));
    if (newest === undefined) return 0;
    for (const entry of entries) newest.list.push(entry);
    return newest.list.length;
  }

  function tell(ref: RunRef, told: Told): void {
    published.push({ key: keyOf(ref), ...told });
    feed.tell(ref, told);
  }

  return {
    calls,
    published,
    learned,
    expiring,
    entries: (ref) => [...listOf(ref)],
    conversation: (userId, conversationId) => conversationOf({ userId }, conversationId),
    runs: () => [...index.values()].map(({ userId, runId }) => ({ userId, runId })),
    nextDueMs: () => Math.min(...[...due.values()].map(({ atMs }) => atMs)),
    dueAt: (ref) => due.get(keyOf(ref))?.atMs,
    forget: (ref) => void volumes.delete(keyOf(ref)),
    disconnect: feed.disconnect,
    subscribe: feed.subscribe,

    async start(ref, { entries, startedAtMs, dueAtMs, definition, conversation }) {
      calls.push("start");
      if (conversation !== undefined) {
        const { active, messages } = conversationOf(ref, conversation.conversationId);
        messages.push(...conversation.messages);
        active.add(ref.runId);
      }
      due.set(keyOf(ref), { ref, atMs: dueAtMs });
      if (!index.has(keyOf(ref))) index.set(keyOf(ref), { ...ref, startedAtMs });
      const known = volumes.get(keyOf(ref));
      if (known === undefined) volumes.set(keyOf(ref), { volume: 0, list: [] });
      const isCompacted = known !== undefined && known.volume > 0;
      const length = isCompacted ? entries.length + 1 : push(ref, entries);
      return { length, learned: definition === undefined ? undefined : learned.get(definition) };
    },
    async open(ref, opening, { definition, isTold }) {
      calls.push("open");
      push(ref, [opening]);
      if (isTold) tell(ref, { from: Number.MAX_SAFE_INTEGER, entries: [opening] });
      const volume = volumes.get(keyOf(ref))?.volume ?? 0;
      return { entries: [...listOf(ref)], volume, learned: learned.get(definition) };
    },
    async append(ref, entries, told, note) {
      calls.push("append");
      if (note !== undefined) {
        const { active, messages } = conversationOf(ref, note.conversationId);
        messages.push(...note.messages);
        active.delete(ref.runId);
      }
      const length = isNewest(ref) ? push(ref, entries) : 0;
      if (told !== undefined) tell(ref, told);
      return length;
    },
    async act(ref, { entry, dueAtMs, isRevival }) {
      calls.push("act");
      const known = due.get(keyOf(ref))?.atMs ?? Infinity;
      if (dueAtMs !== undefined && dueAtMs < known) due.set(keyOf(ref), { ref, atMs: dueAtMs });
      if (isRevival === true) expiring.delete(keyOf(ref));
      return push(ref, [entry]);
    },
    async read(ref, from) {
      calls.push("read");
      return from === 0 || isNewest(ref) ? listOf(ref).slice(from) : [];
    },
    async readMany(refs) {
      calls.push("readMany");
      return refs.map((ref) => [...listOf(ref)]);
    },
    async compact(ref, { length, snapshot, keep }) {
      calls.push("compact");
      const { volume = 0 } = ref;
      const newest = volumes.get(keyOf(ref));
      if (newest?.volume === volume + 1) return newest.list[0] === snapshot;
      if (newest?.volume !== volume || newest.list.length !== length) return false;
      volumes.set(keyOf(ref), { volume: volume + 1, list: [snapshot, ...newest.list.slice(-keep)] });
      return true;
    },

    async overdue(nowMs, count) {
      const overdue = [...due].filter(([, { atMs }]) => atMs <= nowMs);
      const inOrder = overdue.toSorted(([a, { atMs }], [b, other]) => atMs - other.atMs || (a < b ? -1 : 1));
      return inOrder.slice(0, count).map(([, { ref }]) => ({ userId: ref.userId, runId: ref.runId }));
    },
    async postpone(runs) {
      for (const { ref, dueAtMs } of runs) if (due.has(keyOf(ref))) due.set(keyOf(ref), { ref, atMs: dueAtMs });
    },
    async register(ref, dueAtMs) {
      due.set(keyOf(ref), { ref, atMs: dueAtMs });
      expiring.delete(keyOf(ref));
    },
    async setAsideUnchanged(seen) {
      for (const { ref, length, dueAtMs } of seen) {
        const isUnchanged = (isNewest(ref) ? listOf(ref).length : 0) === length;
        if (isUnchanged && due.has(keyOf(ref))) due.set(keyOf(ref), { ref, atMs: dueAtMs });
      }
    },
    isKnown: async (ref) => due.has(keyOf(ref)),
    async retire(refs) {
      calls.push("retire");
      for (const ref of refs) {
        due.delete(keyOf(ref));
        expiring.add(keyOf(ref));
      }
    },
    async retireUnchanged(seen) {
      calls.push("retireUnchanged");
      for (const { ref, length } of seen) {
        if ((isNewest(ref) ? listOf(ref).length : 0) !== length) continue;
        due.delete(keyOf(ref));
        expiring.add(keyOf(ref));
      }
    },
    async page(userId, { atMostMs, skip, count }) {
      return [...index.values()]
        .filter((run) => run.userId === userId && run.startedAtMs <= atMostMs)
        .toSorted((a, b) => b.startedAtMs - a.startedAtMs)
        .slice(skip, skip + count)
        .map(({ runId, startedAtMs }) => ({ runId, startedAtMs }));
    },
    async remove(userId, runIds) {
      for (const runId of runIds) index.delete(`${userId}/${runId}`);
    },
    async store(definition, text) {
      learned.set(definition, text);
    },
  };
}

function keyOf({ userId, runId }: RunRef): string {
  return `${userId}/${runId}`;
}
