/** Session records in Redis: one string per session, whose value and expiry are set by one command. */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import type { SessionRecord, SessionRef, SessionStore } from "../session/session.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { sessionKey } from "./keys.ts";
import { readNothing } from "./reply.ts";

const StoredSession = z.object({ userId: z.string(), createdAtMs: z.number() });

export function upstashSessionStore(redis: RedisClient): SessionStore {
  return {
    put: (ref, record) =>
      redis.command(["SET", keyOf(ref), JSON.stringify(record), "EX", limits.sessionTtlSeconds], readNothing),
    async touch(ref) {
      let record: Promise<SessionRecord | undefined> | undefined;
      await redis.run((batch) => void (record = touchSession(batch, ref)));
      return record;
    },
    remove: (ref) => redis.command(["DEL", keyOf(ref)], readNothing),
  };
}

/** `SessionStore.touch` as part of a larger batch: one command, no round trip of its own. */
export function touchSession(batch: Batch, ref: SessionRef): Promise<SessionRecord | undefined> {
  return batch.add(["GETEX", keyOf(ref), "EX", limits.sessionTtlSeconds], readSession);
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
