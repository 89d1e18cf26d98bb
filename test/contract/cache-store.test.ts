/** One suite for the cache in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CachePlace, CacheStore } from "../../src/cache/cache-store.ts";
import { Secret } from "../../src/core/secret.ts";
import { systemRandom } from "../../src/system/random.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { upstashCacheStore } from "../../src/upstash/cache.ts";
import { cacheClaimKey, cacheTagKey, cacheValueKey } from "../../src/upstash/keys.ts";
import { readInteger, readText } from "../../src/upstash/reply.ts";
import { createVault, type Vault } from "../../src/upstash/vault.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryCacheStore } from "../fakes/memory-cache-store.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const client = (vault?: Vault): RedisClient =>
  upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000, vault });
const vaultOf = (id: string): Vault =>
  createVault({ keys: [{ id, key: new Secret(btoa(id.padEnd(32, "."))) }], clear: "refuse", random: systemRandom });
const freshPlace = (): CachePlace => ({ owner: `usr_${crypto.randomUUID().replaceAll("-", "")}`, name: "thing" });
const minuteMs = 60_000;

const stores: [string, () => CacheStore][] = [
  ["in Redis", () => upstashCacheStore(client(), systemRandom)],
  ["in Redis, sealed", () => upstashCacheStore(client(vaultOf("k1")), systemRandom)],
  ["in memory", () => memoryCacheStore(manualClock())],
];

describe.each(stores)("a cache %s", (_name, open) => {
  it("gives back what was put, and nothing for what was not", async () => {
    const [store, place] = [open(), freshPlace()];
    expect(await store.read(place)).toEqual({ text: undefined, stamp: "" });
    await store.put(place, '"雪 ~1.x"', minuteMs);
    expect((await store.read(place)).text).toBe('"雪 ~1.x"');
    expect((await store.read({ ...place, name: "other" })).text).toBeUndefined();
    expect((await store.read({ name: place.name })).text).toBeUndefined();
  });

  it("lets one of two who come at once compute, and takes the text from nobody else", async () => {
    const [store, place] = [open(), freshPlace()];
    const claims = await Promise.all(["a", "b"].map((token) => store.claim(place, token, minuteMs)));
    expect(claims.filter(({ isMine }) => isMine)).toHaveLength(1);
    const [mine, others] = claims[0]!.isMine ? ["a", "b"] : ["b", "a"];
    expect(await store.complete(place, others, "theirs", minuteMs)).toBe(false);
    expect(await store.complete(place, mine, "mine", minuteMs)).toBe(true);
    expect(await store.complete(place, mine, "again", minuteMs)).toBe(false);
    expect(await store.claim(place, "c", minuteMs)).toEqual({ text: "mine", stamp: "", isMine: true });
  });

  it("gives a claim on only when its own holder gives it back", async () => {
    const [store, place] = [open(), freshPlace()];
    await store.claim(place, "a", minuteMs);
    await store.release(place, "b");
    expect((await store.claim(place, "c", minuteMs)).isMine).toBe(false);
    await store.release(place, "a");
    expect((await store.claim(place, "c", minuteMs)).isMine).toBe(true);
  });

  it.each(["forget", "put"] as const)(
    "takes nothing from who computed it when it was changed by %s",
    async (change) => {
      const [store, place] = [open(), freshPlace()];
      await store.claim(place, "a", minuteMs);
      if (change === "forget") await store.forget(place);
      else await store.put(place, "new", minuteMs);
      expect(await store.complete(place, "a", "old", minuteMs)).toBe(false);
      expect((await store.read(place)).text).toBe(change === "forget" ? undefined : "new");
    },
  );

  it("has another stamp after each invalidation of a tag of the same owner", async () => {
    const store = open();
    const place = { ...freshPlace(), tags: ["red", "blue"] };
    const stamps = new Set([(await store.read(place)).stamp]);
    await store.forgetTag({ owner: place.owner!, tag: "red" }, minuteMs);
    stamps.add((await store.read(place)).stamp);
    await store.forgetTag({ owner: place.owner!, tag: "red" }, minuteMs);
    const last = (await store.claim(place, "a", minuteMs)).stamp;
    stamps.add(last);
    expect(stamps.size).toBe(3);
    await store.forgetTag({ tag: "red" }, minuteMs);
    expect((await store.read(place)).stamp).toBe(last);
  });
});

describe("a cache in Redis", () => {
  it("has an expiry on everything that it writes", async () => {
    const redis = client();
    const [store, place] = [upstashCacheStore(redis, systemRandom), freshPlace()];
    const ttl = (key: string): Promise<number> => redis.command(["PTTL", key], readInteger);
    await store.claim(place, "a", minuteMs);
    expect(await ttl(cacheClaimKey(place))).toBeGreaterThan(0);
    await store.complete(place, "a", "text", minuteMs);
    expect(await ttl(cacheValueKey(place))).toBeGreaterThan(0);
    await store.forgetTag({ owner: place.owner!, tag: "red" }, minuteMs);
    expect(await ttl(cacheTagKey({ owner: place.owner, tag: "red" }))).toBeGreaterThan(0);
  });

  it("costs what it says", async () => {
    const store = upstashCacheStore(client(), systemRandom);
    const place = { ...freshPlace(), tags: ["red", "blue"] };
    await store.complete(place, "nobody", "so that Redis knows the scripts", minuteMs);
    await store.release(place, "nobody");
    const cost = async (act: () => Promise<unknown>) => {
      stack.ledger.reset();
      await act();
      const { commands, roundTrips } = stack.ledger.read();
      return [commands, roundTrips];
    };
    expect(await cost(() => store.read(place))).toEqual([1, 1]);
    expect(await cost(() => store.claim(place, "a", minuteMs))).toEqual([2, 1]);
    expect(await cost(() => store.complete(place, "b", "text", minuteMs))).toEqual([2, 1]);
    expect(await cost(() => store.complete(place, "a", "text", minuteMs))).toEqual([4, 1]);
    expect(await cost(() => store.release(place, "a"))).toEqual([2, 1]);
    await store.claim(place, "a", minuteMs);
    expect(await cost(() => store.release(place, "a"))).toEqual([3, 1]);
    expect(await cost(() => store.put(place, "text", minuteMs))).toEqual([2, 1]);
    expect(await cost(() => store.forget(place))).toEqual([1, 1]);
    expect(await cost(() => store.forgetTag({ owner: place.owner!, tag: "red" }, minuteMs))).toEqual([1, 1]);
  });

  it("is sealed where there is a key, and has nothing where its key is gone", async () => {
    const place = freshPlace();
    const sealed = upstashCacheStore(client(vaultOf("k1")), systemRandom);
    await sealed.claim(place, "a", minuteMs);
    await sealed.complete(place, "a", "a planted sentence", minuteMs);
    const raw = await client().command(
      ["EVAL", "return redis.call('GET', KEYS[1])", 1, cacheValueKey(place)],
      readText,
    );
    expect(raw).toMatch(/^~1\.k1\./);
    expect((await sealed.read(place)).text).toBe("a planted sentence");
    expect((await upstashCacheStore(client(vaultOf("k2")), systemRandom).read(place)).text).toBeUndefined();
  });
});
