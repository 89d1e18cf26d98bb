/**
 * Session records in Redis: one string per session, whose value and expiry are set by one command; and one sorted set per user with
 * the hashes of their sessions by the time of opening, which lives as long as the youngest of them.
 */
import * as z from "zod/mini";
import { isUserId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { scopes } from "../session/scope.ts";
import {
  extendedEndSeconds,
  type ListedSession,
  type SessionRecord,
  type SessionRef,
  type SessionStore,
} from "../session/session.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { sessionIndexKey, sessionKey } from "./keys.ts";
import { readInteger, readNothing, readTexts } from "./reply.ts";
import { runOne } from "./run-one.ts";

const StoredSession = z.object({
  userId: z.string().check(z.refine(isUserId)),
  createdAtMs: z.number(),
  tenant: z.string(),
  scopes: z.array(z.enum(scopes)),
});

export function upstashSessionStore(redis: RedisClient): SessionStore {
  async function remove(userId: string, secretHashes: readonly string[]): Promise<void> {
    let ended: Promise<void> | undefined;
    await redis.run((batch) => {
      ended = batch.add(["DEL", ...secretHashes.map((hash) => sessionKey(userId, hash))], readNothing);
      void batch.add(["ZREM", sessionIndexKey(userId), ...secretHashes], readNothing);
    });
    await ended;
  }

  return {
    async put(ref, record) {
      const index = sessionIndexKey(ref.userId);
      let kept: Promise<void> | undefined;
      let surplus: Promise<string[]> | undefined;
      await redis.run((batch) => {
        kept = batch.add(["SET", keyOf(ref), JSON.stringify(record), "EX", limits.sessionTtlSeconds], readNothing);
        void batch.add(["ZADD", index, record.createdAtMs, ref.secretHash], readInteger);
        void batch.add(["EXPIRE", index, limits.sessionTtlSeconds], readInteger);
        surplus = batch.add(["ZRANGE", index, 0, -(limits.sessionsPerUserMax + 1)], readTexts);
      });
      await kept;
      const ended = (await surplus) ?? [];
      if (ended.length > 0) await remove(ref.userId, ended);
    },
    read: (ref, inUseAtMs) => runOne(redis, (batch) => sessionPart(batch, ref, inUseAtMs)),
    async list(userId) {
      const hashes = await redis.command(["ZRANGE", sessionIndexKey(userId), 0, -1, "REV"], readTexts);
      if (hashes.length === 0) return [];
      const keys = hashes.map((hash) => sessionKey(userId, hash));
      const records = await redis.command(["MGET", ...keys], (reply) => (reply as unknown[]).map(readSession));
      return hashes.flatMap((secretHash, index): ListedSession[] => {
        const record = records[index];
        return record === undefined ? [] : [{ ...record, ref: { userId, secretHash } }];
      });
    },
    remove,
  };
}

/** `SessionStore.read` as part of a larger batch: one command, or two when it is extended; no round trip of its own. */
export function sessionPart(batch: Batch, ref: SessionRef, inUseAtMs?: number): Promise<SessionRecord | undefined> {
  if (inUseAtMs === undefined) return batch.add(["GET", keyOf(ref)], readSession);
  const endSeconds = extendedEndSeconds(inUseAtMs);
  void batch.add(["EXPIREAT", sessionIndexKey(ref.userId), endSeconds], readInteger);
  return batch.add(["GETEX", keyOf(ref), "EXAT", endSeconds], readSession);
}

/** A record that cannot be read counts as absent: its owner signs in again, which mends it. */
function readSession(reply: unknown): SessionRecord | undefined {
  if (typeof reply !== "string") return undefined;
  try {
    const stored = z.safeParse(StoredSession, JSON.parse(reply));
    return stored.success ? stored.data : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(ref: SessionRef): string {
  return sessionKey(ref.userId, ref.secretHash);
}
