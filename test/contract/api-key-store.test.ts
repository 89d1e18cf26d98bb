/** One suite for the store of API keys in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { ApiKey, ApiKeyStore } from "../../src/session/api-key.ts";
import { upstashApiKeyStore } from "../../src/upstash/api-key-store.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryApiKeyStore } from "../fakes/memory-api-key-store.ts";

let stack: RunningStack;
let redis: RedisClient;

beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
});
afterAll(() => stack.close());

const freshUser = (): string => `usr_${crypto.randomUUID().replaceAll("-", "")}`;

function keyOf(userId: string, id: string, more: Partial<ApiKey> = {}): ApiKey {
  const secrets = [{ hash: "ab".repeat(32) }];
  return {
    id,
    name: "A key",
    userId,
    tenant: "guest",
    scopes: ["chat"],
    isActing: false,
    createdAtMs: 1,
    revision: 1,
    ...more,
    secrets,
  };
}

const stores: [string, () => ApiKeyStore][] = [
  ["in Redis", () => upstashApiKeyStore(redis)],
  ["in memory", () => memoryApiKeyStore()],
];

describe.each(stores)("a store of API keys %s", (_name, open) => {
  it("lists a user's keys as they were added, newest first, and nobody else's", async () => {
    const store = open();
    const userId = freshUser();
    const [old, young] = [
      keyOf(userId, "key_1"),
      keyOf(userId, "key_2", { createdAtMs: 2, expiresAtMs: 9, tokensPerDay: 5 }),
    ];
    await store.add(old);
    await store.add(young);
    await store.add(keyOf(freshUser(), "key_3"));
    expect(await store.list(userId)).toEqual([young, old]);
  });

  it("takes as many as a user may have, also of requests that come at once", async () => {
    const store = open();
    const userId = freshUser();
    const ids = Array.from({ length: limits.keysPerUserMax + 3 }, (_, index) => `key_${index}`);
    const outcomes = await Promise.all(ids.map((id) => store.add(keyOf(userId, id))));
    expect(outcomes.filter((outcome) => outcome === "added")).toHaveLength(limits.keysPerUserMax);
  });

  it("replaces a key only by who knows what is kept, and brings none back that was removed", async () => {
    const store = open();
    const userId = freshUser();
    const key = keyOf(userId, "key_1");
    const changed = { ...key, name: "Changed", revision: 2 };
    await store.add(key);
    expect(await store.replace({ ...key, revision: 3 })).toBe(false);
    expect(await store.replace(changed)).toBe(true);
    expect(await store.replace(changed)).toBe(false);
    expect(await store.list(userId)).toEqual([changed]);
    expect(await store.remove(userId, "key_1")).toBe(true);
    expect(await store.remove(userId, "key_1")).toBe(false);
    expect(await store.replace({ ...key, revision: 3 })).toBe(false);
    expect(await store.list(userId)).toEqual([]);
  });
});
