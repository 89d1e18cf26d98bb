/**
 * Journals in Redis: one list per run, in plain commands. `engine/fold-run.ts` makes lock-free lists of them; nothing here judges an entry.
 *
 * The sweep's registry comes first in each batch, so that there is no run which it does not know.
 */
import type { Clock } from "../core/ports.ts";
import { limits } from "../core/limits.ts";
import type { BudgetBook, ConversationNote, Journal, RunIndex, RunRef, Told } from "../engine/journal.ts";
import type { ConversationRef } from "../event/event-log.ts";
import { formatRunNotice } from "../event/run-notice.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { runMember } from "./due-registry.ts";
import {
  budgetsKey,
  conversationIndexKey,
  conversationRunsKey,
  dueRunsKey,
  eventsKey,
  journalKey,
  messagesKey,
  runIndexKey,
} from "./keys.ts";
import { readableOrNone, readInteger, readNothing, readText, readTexts } from "./reply.ts";

/** What was learned is the same for every request of an isolate; a little old does no harm. */
const learnedBudgets = new Map<string, { readonly text: string | undefined; readonly untilMs: number }>();
const learnedTtlMs = 60_000;
const learnedCountMax = 1_000;

export function upstashJournal(redis: RedisClient, clock: Clock): Journal & BudgetBook {
  function keep(definition: string, text: string | undefined): string | undefined {
    if (learnedBudgets.size >= learnedCountMax) learnedBudgets.clear();
    learnedBudgets.set(definition, { text, untilMs: clock.now() + learnedTtlMs });
    return text;
  }

  /** Costs a command only when it is not at hand. */
  function learnedPart(batch: Batch, definition: string | undefined): Promise<string | undefined> {
    if (definition === undefined) return Promise.resolve(undefined);
    const known = learnedBudgets.get(definition);
    if (known !== undefined && known.untilMs > clock.now()) return Promise.resolve(known.text);
    return batch.add(["HGET", budgetsKey, definition], (reply) => keep(definition, readText(reply)));
  }

  return {
    async start(ref, { entries, startedAtMs, dueAtMs, definition, conversation }) {
      let length: Promise<number> | undefined;
      let learned: Promise<string | undefined> | undefined;
      await redis.run((batch) => {
        void batch.add(["ZADD", dueRunsKey, dueAtMs, runMember(ref)], readInteger);
        void batch.add(["ZADD", runIndexKey(ref.userId), "NX", startedAtMs, ref.runId], readInteger);
        length = batch.add(["RPUSH", journalKey(ref.userId, ref.runId), ...entries], readInteger);
        learned = learnedPart(batch, definition);
        if (conversation !== undefined) addAnnouncement(batch, ref, conversation, startedAtMs);
      });
      return { length: (await length)!, learned: await learned };
    },

    async open(ref, opening, { definition, isTold }) {
      const key = journalKey(ref.userId, ref.runId);
      let entries: Promise<string[]> | undefined;
      let learned: Promise<string | undefined> | undefined;
      await redis[isTold ? "atomic" : "run"]((batch) => {
        void batch.add(["RPUSHX", key, opening], readInteger);
        if (isTold) void batch.add(["PUBLISH", key, JSON.stringify(openingTold(opening))], readInteger);
        entries = batch.add(["LRANGE", key, 0, -1], readTexts);
        learned = learnedPart(batch, definition);
      });
      return { entries: (await entries)!, learned: await learned };
    },

    async append(ref, entries, told, note) {
      const key = journalKey(ref.userId, ref.runId);
      let length: Promise<number> | undefined;
      await redis[told === undefined && note === undefined ? "run" : "atomic"]((batch) => {
        length = batch.add(["RPUSHX", key, ...entries], readInteger);
        if (note !== undefined) addFarewell(batch, ref, note, clock.now());
        if (told !== undefined) void batch.add(["PUBLISH", key, JSON.stringify(told)], readInteger);
      });
      return (await length)!;
    },

    read: (ref, from) => redis.command(["LRANGE", journalKey(ref.userId, ref.runId), from, -1], readTexts),

    async readMany(refs) {
      const journals: Promise<string[]>[] = [];
      await redis.run((batch) => {
        for (const { userId, runId } of refs) {
          journals.push(batch.add(["LRANGE", journalKey(userId, runId), 0, -1], readTexts));
        }
      });
      return Promise.all(journals.map(readableOrNone));
    },

    async store(definition, text) {
      keep(definition, text);
      await redis.command(["HSET", budgetsKey, definition, text], readInteger);
    },
  };
}

export function upstashRunIndex(redis: RedisClient): RunIndex {
  return {
    async page(userId, { atMostMs, skip, count }) {
      const key = runIndexKey(userId);
      const range = ["ZRANGE", key, atMostMs, "-inf", "BYSCORE", "REV", "LIMIT", skip, count, "WITHSCORES"];
      const flat = await redis.command(range, readTexts);
      return Array.from({ length: flat.length / 2 }, (_pair, index) => ({
        runId: flat[index * 2]!,
        startedAtMs: Number(flat[index * 2 + 1]),
      }));
    },
    async remove(userId, runIds) {
      if (runIds.length > 0) await redis.command(["ZREM", runIndexKey(userId), ...runIds], readNothing);
    },
  };
}

/** Ids of a conversation's runs that are not over, the oldest first. 1 billed command. */
export function upstashActiveRuns(redis: RedisClient): (ref: ConversationRef) => Promise<readonly string[]> {
  return ({ userId, conversationId }) =>
    redis.command(["ZRANGE", conversationRunsKey(userId, conversationId), 0, -1], readTexts);
}

/** Who follows the conversation follows its runs from now on, too. */
function addAnnouncement(batch: Batch, ref: RunRef, note: ConversationNote, startedAtMs: number): void {
  const { conversationId } = note;
  if (note.messages.length > 0) addNote(batch, ref, note, startedAtMs);
  const key = conversationRunsKey(ref.userId, conversationId);
  void batch.add(["ZADD", key, "NX", startedAtMs, ref.runId], readInteger);
  void batch.add(["EXPIRE", key, limits.runTtlSeconds], readInteger);
  const channel = eventsKey(ref.userId, conversationId);
  void batch.add(["PUBLISH", channel, JSON.stringify([formatRunNotice(ref.runId)])], readInteger);
}

/** `noteCommands` commands. */
function addFarewell(batch: Batch, ref: RunRef, note: ConversationNote, nowMs: number): void {
  addNote(batch, ref, note, nowMs);
  void batch.add(["ZREM", conversationRunsKey(ref.userId, note.conversationId), ref.runId], readInteger);
}

/** Runs are rarer than turns: unlike those they do not spare expiries that are not due. */
function addNote(
  batch: Batch,
  ref: RunRef,
  { conversationId, messages, title }: ConversationNote,
  nowMs: number,
): void {
  const index = conversationIndexKey(ref.userId);
  const memory = messagesKey(ref.userId, conversationId);
  if (messages.length > 0) void batch.add(["RPUSH", memory, ...messages], readInteger);
  void batch.add(["LTRIM", memory, -limits.conversationMessagesMax, -1], readNothing);
  void batch.add(["EXPIRE", memory, limits.conversationTtlSeconds], readInteger);
  void batch.add(["HSET", index, `${conversationId}:at`, nowMs], readInteger);
  void batch.add(["HSETNX", index, `${conversationId}:title`, title], readInteger);
  void batch.add(["EXPIRE", index, limits.conversationTtlSeconds], readInteger);
}

/** Where it stands is not known yet; a reader finds out by reading the journal. */
function openingTold(opening: string): Told {
  return { from: Number.MAX_SAFE_INTEGER, entries: [opening] };
}
