import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { ConversationStore, ConversationSummary } from "../memory/conversation-store.ts";
import { emptyMemory, foldConversation, type ConversationMemory } from "../memory/summary.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { conversationIndexKey, eventsKey, messagesKey } from "./keys.ts";
import { readInteger, readText, readPairs, readTexts } from "./reply.ts";

/** Reads a conversation's messages, and what stands for the older ones, as part of a batch. 1 billed command. */
export function memoryPart(batch: Batch, ref: ConversationRef): Promise<ConversationMemory> {
  const key = messagesKey(ref.userId, ref.conversationId);
  return batch.add(["LRANGE", key, -limits.conversationMessagesMax, -1], (reply) => foldConversation(readTexts(reply)));
}

/**
 * The index is one hash per user: `<id>:at` (unix ms) and `<id>:title`, so that a turn renews it with one variadic command.
 */
export function upstashConversationStore(redis: RedisClient, clock: Clock): ConversationStore {
  return {
    async list(userId) {
      const key = conversationIndexKey(userId);
      let pairs: Promise<Map<string, string>> | undefined;
      await redis.run((batch) => {
        pairs = batch.add(["HGETALL", key], readPairs);
        void batch.add(["EXPIRE", key, limits.conversationTtlSeconds], readInteger);
      });
      const oldestMs = clock.now() - limits.conversationTtlSeconds * 1000;
      const all = summaries((await pairs) ?? new Map()).toSorted((a, b) => b.updatedAt - a.updatedAt);
      const kept = all.filter((entry) => entry.updatedAt >= oldestMs).slice(0, limits.conversationsPerUserMax);
      const dropped = all.filter((entry) => !kept.includes(entry));
      if (dropped.length > 0)
        await redis.command(["HDEL", key, ...dropped.flatMap((entry) => fields(entry.id))], readInteger);
      return kept;
    },

    async find(ref) {
      const [at, title] = await redis.command(
        ["HMGET", conversationIndexKey(ref.userId), ...fields(ref.conversationId)],
        (reply) => (Array.isArray(reply) ? reply.map(readText) : []),
      );
      return at === undefined ? undefined : { id: ref.conversationId, title: title ?? "", updatedAt: Number(at) };
    },

    async rename(ref, title) {
      const found = await this.find(ref);
      if (found === undefined) return false;
      await redis.command(
        ["HSET", conversationIndexKey(ref.userId), `${ref.conversationId}:title`, title],
        readInteger,
      );
      return true;
    },

    async remove(ref) {
      const removed: Promise<number>[] = [];
      await redis.atomic((batch) => {
        removed.push(batch.add(["HDEL", conversationIndexKey(ref.userId), ...fields(ref.conversationId)], readInteger));
        removed.push(
          batch.add(
            ["DEL", messagesKey(ref.userId, ref.conversationId), eventsKey(ref.userId, ref.conversationId)],
            readInteger,
          ),
        );
      });
      return (await Promise.all(removed)).some((count) => count > 0);
    },

    async memory(ref) {
      let memory: Promise<ConversationMemory> | undefined;
      await redis.run((batch) => {
        memory = memoryPart(batch, ref);
      });
      return (await memory) ?? emptyMemory;
    },
  };
}

function fields(conversationId: string): [string, string] {
  return [`${conversationId}:at`, `${conversationId}:title`];
}

function summaries(pairs: ReadonlyMap<string, string>): ConversationSummary[] {
  return [...pairs].flatMap(([field, value]) => {
    if (!field.endsWith(":at")) return [];
    const id = field.slice(0, -":at".length);
    return [{ id, title: pairs.get(`${id}:title`) ?? "", updatedAt: Number(value) }];
  });
}
