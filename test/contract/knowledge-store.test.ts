/** One suite for knowledge in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { EntryVector, KnowledgeOwner, KnowledgeStore, VersionedEntry } from "../../src/memory/knowledge.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashKnowledgeStore } from "../../src/upstash/knowledge-store.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryKnowledgeStore } from "../fakes/memory-knowledge-store.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

function freshOwner(): KnowledgeOwner {
  return { userId: `usr_${crypto.randomUUID().replaceAll("-", "")}`, agentId: "chat" };
}

function entry(key: string, value: VersionedEntry["value"], more: Partial<VersionedEntry> = {}): VersionedEntry {
  return { key, value, tags: [], updatedAt: 1_800_000_000_000, version: "v1", ...more };
}

function vectorOf(version: string, ...numbers: number[]): EntryVector {
  return { version, model: "a model/3", vector: Int8Array.from(numbers) };
}

const stores: [string, () => KnowledgeStore][] = [
  [
    "in Redis",
    () =>
      upstashKnowledgeStore(
        upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 }),
      ),
  ],
  ["in memory", memoryKnowledgeStore],
];

describe.each(stores)("knowledge %s", (_name, open) => {
  it.each([
    ["a text", "blue 雪"],
    ["an empty text", ""],
    ["null", null],
    ["a number", -0.5],
    ["a list", [1, [true], "x"]],
    ["an object", { a: { b: null }, __proto__x: [] }],
  ])("gives back %s as it was put", async (_case, value) => {
    const store = open();
    const owner = freshOwner();
    const given = entry("colour", value, { tags: ["taste", "the home"], version: "v 2".replace(" ", "-") });
    expect(await store.put(owner, given, undefined)).toBe("stored");
    expect(await store.get(owner, "colour")).toEqual(given);
  });

  it.each(["a b", "a/b", "a:b{c}", "%2F", "__proto__", "Ünïcödé 雪 🙂", "constructor", "*", "1"])(
    "keeps what stands under the odd key %j",
    async (key) => {
      const store = open();
      const owner = freshOwner();
      await store.put(owner, entry(key, "here"), vectorOf("v1", 1, 2, 3));
      expect((await store.get(owner, key))?.value).toBe("here");
      expect(await store.keys(owner)).toEqual([key]);
      expect((await store.load(owner, { withVectors: true })).vectors.get(key)).toEqual(vectorOf("v1", 1, 2, 3));
    },
  );

  it("has the latest of several values, and nothing under a key that was never put", async () => {
    const store = open();
    const owner = freshOwner();
    await store.put(owner, entry("k", 1), undefined);
    await store.put(owner, entry("k", 2, { version: "v2" }), undefined);
    expect(await store.get(owner, "k")).toEqual(entry("k", 2, { version: "v2" }));
    expect(await store.get(owner, "other")).toBeUndefined();
  });

  it("lists its keys in order, and gives several entries at once, without those that are not there", async () => {
    const store = open();
    const owner = freshOwner();
    expect(await store.keys(owner)).toEqual([]);
    for (const key of ["b", "a", "C"]) await store.put(owner, entry(key, key), undefined);
    expect(await store.keys(owner)).toEqual(["C", "a", "b"]);
    expect((await store.getMany(owner, ["b", "x", "a"])).map(({ key }) => key)).toEqual(["b", "a"]);
    expect(await store.getMany(owner, [])).toEqual([]);
  });

  it("loads all entries in the order of their keys, with their vectors where these are asked for", async () => {
    const store = open();
    const owner = freshOwner();
    await store.put(owner, entry("b", 1), vectorOf("v1", -128, 0, 127));
    await store.put(owner, entry("a", 2), undefined);
    const loaded = await store.load(owner, { withVectors: true });
    expect(loaded.entries.map(({ key }) => key)).toEqual(["a", "b"]);
    expect(loaded.vectors).toEqual(new Map([["b", vectorOf("v1", -128, 0, 127)]]));
    expect((await store.load(owner, { withVectors: false })).vectors.size).toBe(0);
    expect(await store.load(freshOwner(), { withVectors: true })).toEqual({ entries: [], vectors: new Map() });
  });

  it("takes vectors later, and drops them", async () => {
    const store = open();
    const owner = freshOwner();
    await store.put(owner, entry("a", 1), vectorOf("v1", 1));
    await store.putVectors(owner, new Map([["a", vectorOf("v2", 2)]]));
    await store.putVectors(owner, new Map());
    expect((await store.load(owner, { withVectors: true })).vectors.get("a")).toEqual(vectorOf("v2", 2));
    await store.dropVectors(owner, ["a", "b"]);
    await store.dropVectors(owner, []);
    expect((await store.load(owner, { withVectors: true })).vectors.size).toBe(0);
  });

  it("removes an entry with its vector, once", async () => {
    const store = open();
    const owner = freshOwner();
    await store.put(owner, entry("a", 1), vectorOf("v1", 1));
    expect(await store.remove(owner, "a")).toBe(true);
    expect(await store.remove(owner, "a")).toBe(false);
    expect(await store.load(owner, { withVectors: true })).toEqual({ entries: [], vectors: new Map() });
  });

  it("forgets all that an agent knows, and nothing of another", async () => {
    const store = open();
    const owner = freshOwner();
    for (const key of ["a", "b"]) await store.put(owner, entry(key, 1), vectorOf("v1", 1));
    await store.put({ ...owner, agentId: "another" }, entry("c", 1), undefined);
    await store.forget(owner);
    await store.forget(owner);
    expect(await store.load(owner, { withVectors: true })).toEqual({ entries: [], vectors: new Map() });
    expect(await store.agents(owner.userId)).toEqual(["another"]);
  });

  it("keeps users and agents apart, and names the agents that know something", async () => {
    const store = open();
    const owner = freshOwner();
    await store.put(owner, entry("a", 1), undefined);
    await store.put({ ...owner, agentId: "another" }, entry("b", 2), undefined);
    expect(await store.get({ ...owner, agentId: "another" }, "a")).toBeUndefined();
    expect(await store.get(freshOwner(), "a")).toBeUndefined();
    expect(await store.agents(owner.userId)).toEqual(["another", "chat"]);
    expect(await store.agents(freshOwner().userId)).toEqual([]);
  });

  it("is full at the limit, also for those who come at once, while known keys can still be changed", async () => {
    const store = open();
    const owner = freshOwner();
    const keys = Array.from({ length: limits.knowledgeEntriesMax - 1 }, (_, index) => `key ${index}`);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => store.put(owner, entry(key, 1), undefined)));
    }
    const last = await Promise.all(["x", "y", "z"].map((key) => store.put(owner, entry(key, 1), undefined)));
    expect(last.toSorted()).toEqual(["full", "full", "stored"]);
    expect(await store.put(owner, entry("key 0", 2), undefined)).toBe("stored");
    expect((await store.get(owner, "key 0"))?.value).toBe(2);
    expect(await store.keys(owner)).toHaveLength(limits.knowledgeEntriesMax);
  });
});

it("knowledge in Redis costs what its port says", async () => {
  const store = stores[0]![1]();
  const owner = freshOwner();
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    stack.ledger.reset();
    await work();
    return stack.ledger.read().commands;
  };
  await store.put(freshOwner(), entry("warm up", 1), undefined);
  expect(await cost(() => store.put(owner, entry("a", 1), undefined))).toBe(4);
  expect(await cost(() => store.put(owner, entry("a", 2), undefined))).toBe(3);
  expect(await cost(() => store.put(owner, entry("a", 2), vectorOf("v1", 1)))).toBe(4);
  expect(await cost(() => store.load(owner, { withVectors: true }))).toBe(2);
  expect(await cost(() => store.remove(owner, "a"))).toBe(2);
});

it("an entry or a vector that cannot be read is left out, and can be replaced", async () => {
  const redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
  const store = upstashKnowledgeStore(redis);
  const owner = freshOwner();
  const key = `memory:knowledge:{${owner.userId}}:chat`;
  await redis.command(["HSET", key, "a", "no entry", "b", 'v1 {"value":1}', "c", ""], Number);
  await redis.command(["HSET", `${key}:vectors`, "a", "v1 !!! m", "b", ""], Number);
  expect(await store.load(owner, { withVectors: true })).toMatchObject({ entries: [] });
  expect(await store.get(owner, "a")).toBeUndefined();
  await store.put(owner, entry("a", 1), undefined);
  expect(await store.get(owner, "a")).toEqual(entry("a", 1));
});
