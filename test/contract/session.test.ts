/** One suite for the session store in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { SessionRef, SessionStore } from "../../src/session/session.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { sessionKey } from "../../src/upstash/keys.ts";
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

describe.each(stores)("a session store %s", (_name, open) => {
  it("gives back the record that was put", async () => {
    const store = open();
    const ref = freshRef();
    await store.put(ref, { userId: ref.userId, createdAtMs: 17 });
    expect(await store.touch(ref)).toEqual({ userId: ref.userId, createdAtMs: 17 });
  });

  it("knows nothing of a session that was never opened, nor of the same user's other session", async () => {
    const store = open();
    const ref = freshRef();
    await store.put(ref, { userId: ref.userId, createdAtMs: 17 });
    expect(await store.touch(freshRef())).toBeUndefined();
    expect(await store.touch({ ...ref, secretHash: "cd".repeat(32) })).toBeUndefined();
  });

  it("forgets a session that was ended, however often it is ended", async () => {
    const store = open();
    const ref = freshRef();
    await store.put(ref, { userId: ref.userId, createdAtMs: 17 });
    await store.remove(ref);
    await store.remove(ref);
    expect(await store.touch(ref)).toBeUndefined();
  });
});

describe("a session store in Redis", () => {
  it("starts the time of a session anew at each touch, in one command", async () => {
    const store = upstashSessionStore(redis);
    const ref = freshRef();
    const key = sessionKey(ref.userId, ref.secretHash);
    await store.put(ref, { userId: ref.userId, createdAtMs: 17 });
    await redis.command(["EXPIRE", key, 60], readNothing);
    stack.ledger.reset();
    await store.touch(ref);
    expect(stack.ledger.read().commands).toBe(1);
    expect(await redis.command(["TTL", key], readInteger)).toBeGreaterThan(limits.sessionTtlSeconds - 60);
  });

  it("counts a record that it cannot read as absent", async () => {
    const ref = freshRef();
    await redis.command(["SET", sessionKey(ref.userId, ref.secretHash), "{broken"], readNothing);
    expect(await upstashSessionStore(redis).touch(ref)).toBeUndefined();
  });
});
