/** Erasing in Redis: by the user's indices, then by a scan of all keys. Registries that all users share lose the user's entries with what they stand for. */
import { limits } from "../core/limits.ts";
import { addCounts, nothingErased, type Eraser, type KeyCounts } from "../memory/eraser.ts";
import type { RedisClient } from "./batch.ts";
import { runMember, turnMember } from "./due-registry.ts";
import {
  agentsKey,
  apiKeysKey,
  conversationIdOf,
  conversationIndexKey,
  conversationRunsKey,
  dueRunsKey,
  dueTurnsKey,
  eventsKey,
  firingsKey,
  isCountOfLimit,
  journalKey,
  kindOf,
  knowledgeIndexKey,
  knowledgeKey,
  knowledgeVectorsKey,
  messagesKey,
  runIdOf,
  runIndexKey,
  schedulesKey,
  sessionIndexKey,
  sessionKey,
} from "./keys.ts";
import { readInteger, readTexts } from "./reply.ts";

export function upstashEraser(redis: RedisClient): Eraser {
  async function erase(userId: string, keys: readonly string[]): Promise<KeyCounts> {
    const byKind = Map.groupBy(new Set(keys), (key) => kindOf(key, userId));
    const counts: [string, Promise<number>][] = [];
    await redis.run((batch) => {
      for (const [kind, some] of byKind) counts.push([kind, batch.add(["UNLINK", ...some], readInteger)]);
      const runs = keys.flatMap((key) => runIdOf(key, userId) ?? []);
      const turns = keys.flatMap((key) => conversationIdOf(key, userId) ?? []);
      if (runs.length > 0)
        void batch.add(["ZREM", dueRunsKey, ...runs.map((runId) => runMember({ userId, runId }))], readInteger);
      if (turns.length > 0) {
        const members = turns.map((conversationId) => turnMember({ userId, conversationId }));
        void batch.add(["ZREM", dueTurnsKey, ...members], readInteger);
      }
    });
    let sum = nothingErased;
    for (const [kind, count] of counts) sum = addCounts(sum, (await count) === 0 ? {} : { [kind]: await count });
    return sum;
  }

  async function scan(userId: string, from: string): Promise<{ next: string; keys: string[] }> {
    const command = ["SCAN", from, "MATCH", `*${userId}*`, "COUNT", limits.eraseScanCount];
    return redis.command(command, (reply) => {
      const [next, keys] = Array.isArray(reply) ? reply : [];
      return { next: String(next), keys: readTexts(keys) };
    });
  }

  return {
    async eraseIndexed(userId) {
      const { sessions, conversations, runs, agents } = await readIndices(redis, userId);
      const sessionsErased = await erase(userId, [
        ...sessions.map((hash) => sessionKey(userId, hash)),
        sessionIndexKey(userId),
        apiKeysKey(userId),
      ]);
      const erased = await erase(userId, [
        ...conversations.flatMap((id) => [
          messagesKey(userId, id),
          eventsKey(userId, id),
          conversationRunsKey(userId, id),
        ]),
        conversationIndexKey(userId),
        ...runs.map((runId) => journalKey(userId, runId)),
        ...agents.flatMap((id) => [knowledgeKey(userId, id), knowledgeVectorsKey(userId, id)]),
        knowledgeIndexKey(userId),
        agentsKey(userId),
        schedulesKey(userId),
        firingsKey(userId),
      ]);
      const isMore = runs.length === limits.eraseRunsMax;
      if (runs.length > 0) await redis.command(["ZREM", runIndexKey(userId), ...runs], readInteger);
      return { erased: addCounts(sessionsErased, erased), isMore };
    },

    async eraseStretch(userId, from) {
      const found: string[] = [];
      let next = from;
      for (let scans = 0; scans < limits.eraseScansMax; scans += 1) {
        const page = await scan(userId, next);
        found.push(...page.keys.filter((key) => !isCountOfLimit(key)));
        ({ next } = page);
        if (next === "0") break;
      }
      const erased = found.length === 0 ? nothingErased : await erase(userId, found);
      return { erased, next: next === "0" ? undefined : next };
    },
  };
}

async function readIndices(redis: RedisClient, userId: string) {
  let sessions: Promise<string[]> | undefined;
  let fields: Promise<string[]> | undefined;
  let runs: Promise<string[]> | undefined;
  let agents: Promise<string[]> | undefined;
  await redis.run((batch) => {
    sessions = batch.add(["ZRANGE", sessionIndexKey(userId), 0, -1], readTexts);
    fields = batch.add(["HKEYS", conversationIndexKey(userId)], readTexts);
    runs = batch.add(["ZRANGE", runIndexKey(userId), 0, limits.eraseRunsMax - 1], readTexts);
    agents = batch.add(["SMEMBERS", knowledgeIndexKey(userId)], readTexts);
  });
  const conversations = new Set((await fields)!.map((field) => field.slice(0, field.lastIndexOf(":"))));
  return {
    sessions: (await sessions)!,
    conversations: [...conversations],
    runs: (await runs)!,
    agents: (await agents)!,
  };
}
