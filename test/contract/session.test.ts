/** One suite for the session store in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { SessionRecord, SessionRef, SessionStore } from "../../src/session/session.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { sessionIndexKey, sessionKey } from "../../src/upstash/keys.ts";
import { readInteger, readNothing } from "../../src/upstash/reply.ts";
import { upstashSessionStore } from "../../src/upstash/session-store.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memorySessionStore } from "../fakes/memory-session-store.ts";

let stack: RunningStack;
let redis: RedisClient;

beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
});
afterAll(async () => {
  await stack.close();
});

function freshRef(): SessionRef {
  return { userId: `usr_${crypto.randomUUID().replaceAll("-", "")}`, secretHash: "ab".repeat(32) };
}

const stores: [string, () => SessionStore][] = [
  ["in Redis", () => upstashSessionStore(redis)],
  ["in memory", () => memorySessionStore({ now: () => Date.now() })],
];

function recordOf(ref: SessionRef, createdAtMs = 17): SessionRecord {
  return { userId: ref.userId, tenant: "acme", scopes: ["chat", "runs"], createdAtMs };
}

describe.each(stores)("a session store %s", (_name, open) => {
  it("gives back the record that was put", async () => {
    const store = open();
    const ref = freshRef();
    await store.put(ref, recordOf(ref));
    expect(await store.read(ref)).toEqual(recordOf(ref));
    expect(await store.read(ref, Date.now())).toEqual(recordOf(ref));
  });

  it("knows nothing of a session that was never opened, nor of the same user's other session", async () => {
    const store = open();
    const ref = freshRef();
    await store.put(ref, recordOf(ref));
    expect(await store.read(freshRef(), Date.now())).toBeUndefined();
    expect(await store.read({ ...ref, secretHash: "cd".repeat(32) }, Date.now())).toBeUndefined();
  });

  it("forgets a session that was ended, however often it is ended", async () => {
    const store = open();
    const ref = freshRef();
    await store.put(ref, recordOf(ref));
    await store.remove(ref.userId, [ref.secretHash]);
    await store.remove(ref.userId, [ref.secretHash]);
    expect(await store.read(ref)).toBeUndefined();
    expect(await store.list(ref.userId)).toEqual([]);
  });

  it("lists a user's sessions, newest first, and nobody else's", async () => {
    const store = open();
    const { userId, secretHash } = freshRef();
    const other = freshRef();
    const second = "cd".repeat(32);
    await store.put({ userId, secretHash }, recordOf({ userId, secretHash }, 1));
    await store.put({ userId, secretHash: second }, recordOf({ userId, secretHash }, 2));
    await store.put(other, recordOf(other));
    expect((await store.list(userId)).map(({ ref }) => ref.secretHash)).toEqual([second, secretHash]);
  });

  it("ends the oldest session of a user who opens one too many", async () => {
    const store = open();
    const { userId } = freshRef();
    const refs = Array.from({ length: limits.sessionsPerUserMax + 1 }, (_, index) => ({
      userId,
      secretHash: String(index).padStart(64, "0"),
    }));
    for (const [index, ref] of refs.entries()) await store.put(ref, recordOf(ref, index));
    expect(await store.read(refs[0]!)).toBeUndefined();
    expect(await store.read(refs[1]!)).toBeDefined();
    expect(await store.list(userId)).toHaveLength(limits.sessionsPerUserMax);
  });
});

describe("a session store in Redis", () => {
  it("starts the time of a session anew only when asked to, and reads it in one command otherwise", async () => {
    const store = upstashSessionStore(redis);
    const ref = freshRef();
    const keys = [sessionKey(ref.userId, ref.secretHash), sessionIndexKey(ref.userId)];
    await store.put(ref, recordOf(ref));
    for (const key of keys) await redis.command(["EXPIRE", key, 60], readNothing);
    const times = () => Promise.all(keys.map((key) => redis.command(["TTL", key], readInteger)));
    stack.ledger.reset();
    await store.read(ref);
    expect(stack.ledger.read().commands).toBe(1);
    expect(Math.max(...(await times()))).toBeLessThanOrEqual(60);
    stack.ledger.reset();
    await store.read(ref, Date.now());
    expect(stack.ledger.read().commands).toBe(2);
    expect(Math.min(...(await times()))).toBeGreaterThan(limits.sessionTtlSeconds - 60);
  });

  it("moves the end of a session at most once an hour, however often it is in use", async () => {
    const store = upstashSessionStore(redis);
    const ref = freshRef();
    await store.put(ref, recordOf(ref));
    const endOf = (key: string) => redis.command(["EXPIRETIME", key], readInteger);
    const hourMs = 3_600_000;
    const fullHourMs = Math.ceil(Date.now() / hourMs) * hourMs;
    const endsAfter = async (inUseAtMs: number) => {
      await store.read(ref, inUseAtMs);
      const ends = [sessionKey(ref.userId, ref.secretHash), sessionIndexKey(ref.userId)].map(endOf);
      return (await Promise.all(ends)).map((seconds) => seconds * 1000 - limits.sessionTtlSeconds * 1000 - fullHourMs);
    };
    expect(await endsAfter(fullHourMs)).toEqual([0, 0]);
    expect(await endsAfter(fullHourMs + 1)).toEqual([hourMs, hourMs]);
    expect(await endsAfter(fullHourMs + hourMs - 1)).toEqual([hourMs, hourMs]);
    expect(await endsAfter(fullHourMs + hourMs)).toEqual([hourMs, hourMs]);
    expect(await endsAfter(fullHourMs + hourMs + 1)).toEqual([2 * hourMs, 2 * hourMs]);
  });

  it("counts a record that it cannot read as absent", async () => {
    const ref = freshRef();
    await redis.command(["SET", sessionKey(ref.userId, ref.secretHash), "{broken"], readNothing);
    expect(await upstashSessionStore(redis).read(ref)).toBeUndefined();
  });
});
