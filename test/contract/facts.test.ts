/** One suite for the fact store in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { FactOwner, FactStore } from "../../src/tool/fact-store.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashFactStore } from "../../src/upstash/fact-store.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryFactStore } from "../fakes/memory-fact-store.ts";

let stack: RunningStack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.close();
});

function freshOwner(): FactOwner {
  return { userId: `usr_${crypto.randomUUID().replaceAll("-", "")}`, agentId: "chat" };
}

const stores: [string, () => FactStore][] = [
  [
    "in Redis",
    () =>
      upstashFactStore(upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 })),
  ],
  ["in memory", memoryFactStore],
];

describe.each(stores)("a fact store %s", (_name, open) => {
  it("recalls what it was told, the latest value of each key", async () => {
    const store = open();
    const owner = freshOwner();
    await store.remember(owner, { key: "colour", value: "green" });
    await store.remember(owner, { key: "colour", value: "blue 雪" });
    expect(await store.recall(owner, "colour")).toBe("blue 雪");
    expect(await store.recall(owner, "shape")).toBeUndefined();
  });

  it("lists facts by key, and nothing for who has none", async () => {
    const store = open();
    const owner = freshOwner();
    expect(await store.list(owner)).toEqual([]);
    await store.remember(owner, { key: "b", value: "2" });
    await store.remember(owner, { key: "a", value: "1" });
    expect(await store.list(owner)).toEqual([
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ]);
  });

  it("keeps users and agents apart", async () => {
    const store = open();
    const owner = freshOwner();
    await store.remember(owner, { key: "a", value: "1" });
    expect(await store.recall({ ...owner, agentId: "other" }, "a")).toBeUndefined();
    expect(await store.recall(freshOwner(), "a")).toBeUndefined();
  });

  it("is full at the limit, where known keys can still be changed", async () => {
    const store = open();
    const owner = freshOwner();
    for (let count = 0; count < limits.factsPerAgentMax; count += 1) {
      await store.remember(owner, { key: `key ${count}`, value: "1" });
    }
    expect(await store.remember(owner, { key: "one more", value: "1" })).toBe("full");
    expect(await store.remember(owner, { key: "key 0", value: "2" })).toBe("remembered");
    expect(await store.recall(owner, "key 0")).toBe("2");
    expect(await store.list(owner)).toHaveLength(limits.factsPerAgentMax);
  });
});
