/** Knowledge in Redis: one hash of entries per user and agent, one of their vectors beside it, and a set of the agents that have some. No expiry. */
import { limits } from "../core/limits.ts";
import {
  formatEntry,
  parseEntry,
  type EntryVector,
  type KnowledgeOwner,
  type KnowledgeStore,
  type VersionedEntry,
} from "../memory/knowledge.ts";
import { decodeVector, encodeVector } from "../memory/vector.ts";
import type { RedisClient } from "./batch.ts";
import { knowledgeIndexKey, knowledgeKey, knowledgeVectorsKey } from "./keys.ts";
import { readInteger, readPairs, readText, readTexts } from "./reply.ts";
import { defineScript } from "./script.ts";

/**
 * Counting and setting are one change, or two at once pass the limit. KEYS: entries, vectors, agents. ARGV: key, entry, limit, agent, vector or nothing.
 * Answers the number of calls made, or 0 where there are too many entries.
 */
const putScript = defineScript(
  `#!lua flags=allow-key-locking
local calls = 2
if redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then
  calls = 3
  if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return 0 end
end
if redis.call("HSET", KEYS[1], ARGV[1], ARGV[2]) == 1 then
  redis.call("SADD", KEYS[3], ARGV[4])
  calls = calls + 1
end
if ARGV[5] ~= "" then
  redis.call("HSET", KEYS[2], ARGV[1], ARGV[5])
  calls = calls + 1
end
return calls
`,
  {
    sealed: [
      { first: 1, key: 0, field: 0 },
      { first: 4, key: 1, field: 0 },
    ],
    calls: (reply) => (reply === 0 ? 2 : Number(reply)),
  },
);

export function upstashKnowledgeStore(redis: RedisClient): KnowledgeStore {
  return {
    async put(owner, entry, vector) {
      const keys = [entriesKey(owner), vectorsKey(owner), knowledgeIndexKey(owner.userId)];
      const stored = vector === undefined ? "" : formatVector(vector);
      const args = [entry.key, formatEntry(entry), limits.knowledgeEntriesMax, owner.agentId, stored];
      let isStored: Promise<number> | undefined;
      await redis.run((batch) => void (isStored = putScript.evalsha(batch, keys, args, readInteger)));
      return (await isStored) === 0 ? "full" : "stored";
    },

    get: (owner, key) => redis.command(["HGET", entriesKey(owner), key], (reply) => readEntry(key, readText(reply))),

    async getMany(owner, keys) {
      if (keys.length === 0) return [];
      return redis.command(["HMGET", entriesKey(owner), ...keys], (reply) => readEntries(keys, reply));
    },

    keys: async (owner) => (await redis.command(["HKEYS", entriesKey(owner)], readTexts)).toSorted(byCodeUnits),

    async load(owner, { withVectors }) {
      let entries: Promise<VersionedEntry[]> | undefined;
      let vectors: Promise<Map<string, EntryVector>> | undefined;
      await redis.run((batch) => {
        entries = batch.add(["HGETALL", entriesKey(owner)], readAllEntries);
        if (withVectors) vectors = batch.add(["HGETALL", vectorsKey(owner)], readVectors);
      });
      return { entries: (await entries)!, vectors: (await vectors) ?? new Map() };
    },

    async putVectors(owner, vectors) {
      if (vectors.size === 0) return;
      const pairs = [...vectors].flatMap(([key, vector]) => [key, formatVector(vector)]);
      await redis.command(["HSET", vectorsKey(owner), ...pairs], readInteger);
    },

    async dropVectors(owner, keys) {
      if (keys.length > 0) await redis.command(["HDEL", vectorsKey(owner), ...keys], readInteger);
    },

    async remove(owner, key) {
      let removed: Promise<number> | undefined;
      await redis.atomic((batch) => {
        removed = batch.add(["HDEL", entriesKey(owner), key], readInteger);
        void batch.add(["HDEL", vectorsKey(owner), key], readInteger);
      });
      return (await removed) === 1;
    },

    async forget(owner) {
      await redis.atomic((batch) => {
        void batch.add(["DEL", entriesKey(owner), vectorsKey(owner)], readInteger);
        void batch.add(["SREM", knowledgeIndexKey(owner.userId), owner.agentId], readInteger);
      });
    },

    agents: async (userId) =>
      (await redis.command(["SMEMBERS", knowledgeIndexKey(userId)], readTexts)).toSorted(byCodeUnits),
  };
}

function entriesKey({ userId, agentId }: KnowledgeOwner): string {
  return knowledgeKey(userId, agentId);
}

function vectorsKey({ userId, agentId }: KnowledgeOwner): string {
  return knowledgeVectorsKey(userId, agentId);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function readEntry(key: string, text: string | undefined): VersionedEntry | undefined {
  return text === undefined ? undefined : parseEntry(key, text);
}

function readEntries(keys: readonly string[], reply: unknown): VersionedEntry[] {
  const texts = Array.isArray(reply) ? reply.map(readText) : [];
  return keys.flatMap((key, index) => readEntry(key, texts[index]) ?? []);
}

function readAllEntries(reply: unknown): VersionedEntry[] {
  const entries = [...readPairs(reply)].flatMap(([key, text]) => parseEntry(key, text) ?? []);
  return entries.toSorted((a, b) => byCodeUnits(a.key, b.key));
}

/** `<version> <base64> <model>`; the model's name stands last since it may hold spaces. */
function formatVector({ version, model, vector }: EntryVector): string {
  return `${version} ${encodeVector(vector)} ${model}`;
}

/** What this version does not understand is left out, and so made anew. */
function readVectors(reply: unknown): Map<string, EntryVector> {
  const vectors = new Map<string, EntryVector>();
  for (const [key, text] of readPairs(reply)) {
    const [version = "", base64 = "", ...model] = text.split(" ");
    const vector = decodeVector(base64);
    if (vector !== undefined) vectors.set(key, { version, model: model.join(" "), vector });
  }
  return vectors;
}
