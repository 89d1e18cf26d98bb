/**
 * Journals in Redis: one list per run, in plain commands. `engine/fold-run.ts` makes lock-free lists of them; nothing here judges an entry.
 *
 * The sweep's registry comes first in each batch, so that there is no run which it does not know.
 */
import type { Clock } from "../core/ports.ts";
import type { BudgetBook, Journal, RunIndex, RunRef, Told } from "../engine/journal.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { runMember } from "./due-registry.ts";
import { isWrongType } from "./fault.ts";
import { compactScript } from "./journal-scripts.ts";
import { ifMoved, inVolume, keysOf } from "./journal-volume.ts";
import { budgetsKey, conversationRunsKey, dueRunsKey, journalKey, journalVolumeKey, runIndexKey } from "./keys.ts";
import { addAnnouncement, addFarewell } from "./run-notes.ts";
import { readableOrNone, readInteger, readNothing, readText, readTexts } from "./reply.ts";

/** What was learned of definitions, by their names. It is the same for every request of an isolate, which keeps it; a little old does no harm. */
export type LearnedBudgets = Map<string, { readonly text: string | undefined; readonly untilMs: number }>;

const learnedTtlMs = 60_000;
const learnedCountMax = 1_000;

export function upstashJournal(
  redis: RedisClient,
  clock: Clock,
  learnedBudgets: LearnedBudgets = new Map(),
): Journal & BudgetBook {
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

  async function readAll(ref: RunRef): Promise<readonly string[]> {
    const found = await inVolume(redis, ref, async (volume) => {
      const entries = await redis.command(["LRANGE", keyOf(ref, volume), 0, -1], readTexts);
      return entries.length === 0 ? undefined : entries;
    });
    return found?.value ?? [];
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
      // A run that was compacted is one that was there.
      return { length: await length!.catch(ifMoved(entries.length + 1)), learned: await learned };
    },

    async open(ref, opening, { definition, isTold }) {
      const channel = journalKey(ref.userId, ref.runId);
      let learned: Promise<string | undefined> | undefined;
      const found = await inVolume(redis, ref, async (volume) => {
        const key = keyOf(ref, volume);
        let entries: Promise<string[]> | undefined;
        await redis[isTold ? "atomic" : "run"]((batch) => {
          void batch.add(["RPUSHX", key, opening], readInteger);
          if (isTold) void batch.add(["PUBLISH", channel, JSON.stringify(openingTold(opening))], readInteger);
          entries = batch.add(["LRANGE", key, 0, -1], readTexts);
          learned = learnedPart(batch, definition);
        });
        const all = await entries!;
        return all.length === 0 ? undefined : all;
      });
      return { entries: found?.value ?? [], volume: found?.volume ?? 0, learned: await learned };
    },

    async append(ref, entries, told, note) {
      const channel = journalKey(ref.userId, ref.runId);
      let length: Promise<number> | undefined;
      await redis[told === undefined && note === undefined ? "run" : "atomic"]((batch) => {
        length = batch.add(["RPUSHX", keyOf(ref, ref.volume ?? 0), ...entries], readInteger);
        if (note !== undefined) addFarewell(batch, ref, note, clock.now());
        if (told !== undefined) void batch.add(["PUBLISH", channel, JSON.stringify(told)], readInteger);
      });
      return length!.catch(ifMoved(0));
    },

    async act(ref, { entry, dueAtMs, isRevival }) {
      const found = await inVolume(redis, ref, async (volume) => {
        let length: Promise<number> | undefined;
        await redis.run((batch) => {
          if (dueAtMs !== undefined) void batch.add(["ZADD", dueRunsKey, "LT", dueAtMs, runMember(ref)], readInteger);
          if (isRevival === true) {
            for (const key of keysOf({ ...ref, volume })) void batch.add(["PERSIST", key], readInteger);
          }
          length = batch.add(["RPUSHX", keyOf(ref, volume), entry], readInteger);
        });
        return (await length!) || undefined;
      });
      return found?.value ?? 0;
    },

    async read(ref, from) {
      if (from === 0) return readAll(ref);
      const { volume = 0 } = ref;
      return redis.command(["LRANGE", keyOf(ref, volume), from, -1], readTexts).catch(ifMoved([]));
    },

    async readMany(refs) {
      const journals: Promise<readonly string[]>[] = [];
      await redis.run((batch) => {
        for (const ref of refs) journals.push(batch.add(["LRANGE", keyOf(ref, 0), 0, -1], readTexts));
      });
      return Promise.all(
        journals.map((journal, index) => {
          const found = journal.catch((error: unknown) => {
            if (!isWrongType(error)) throw error;
            return readAll(refs[index]!);
          });
          return readableOrNone(found);
        }),
      );
    },

    async compact(ref, { length, snapshot, keep: kept }) {
      const { volume = 0 } = ref;
      const keys = [keyOf(ref, volume), keyOf(ref, volume + 1), journalKey(ref.userId, ref.runId)];
      let isDone: Promise<number> | undefined;
      await redis.run((batch) => {
        isDone = compactScript.evalsha(batch, keys, [length, snapshot, kept, volume + 1], readInteger);
      });
      return (await isDone!.catch(ifMoved(0))) > 0;
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

function keyOf({ userId, runId }: RunRef, volume: number): string {
  return journalVolumeKey(userId, runId, volume);
}

/** Where it stands is not known yet; a reader finds out by reading the journal. */
function openingTold(opening: string): Told {
  return { from: Number.MAX_SAFE_INTEGER, entries: [opening] };
}
