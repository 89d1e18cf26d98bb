import { describe, expect, it } from "vitest";
import { createCache, type Cache } from "../../src/cache/cache.ts";
import type { CacheStore } from "../../src/cache/cache-store.ts";
import { createIsolateCache } from "../../src/cache/isolate-cache.ts";
import { AppError } from "../../src/core/errors.ts";
import type { JsonValue } from "../../src/core/json.ts";
import { limits } from "../../src/core/limits.ts";
import { systemRandom } from "../../src/system/random.ts";
import { manualClock, settle, silentLog } from "../fakes/clock.ts";
import { memoryCacheStore } from "../fakes/memory-cache-store.ts";

const place = { owner: "u1", name: "thing", tags: ["red"] };
const rule = { freshMs: 1_000, staleMs: 1_000 };
const bounds = { entriesMax: 10, bytesMax: 10_000 };

function rig() {
  const clock = manualClock();
  const store = memoryCacheStore(clock);
  const isolate = (over: Partial<CacheStore> = {}): (() => Cache) => {
    const memory = createIsolateCache(bounds);
    return () =>
      createCache({
        clock,
        pause: clock.pause,
        random: systemRandom,
        log: silentLog,
        store: { ...store, ...over },
        isolate: memory,
      });
  };
  return { clock, store, isolate, open: isolate() };
}

/** Answers when it is told to. */
function slow() {
  const gates: PromiseWithResolvers<JsonValue>[] = [];
  return {
    gates,
    compute(): Promise<JsonValue> {
      const gate = Promise.withResolvers<JsonValue>();
      gates.push(gate);
      return gate.promise;
    },
  };
}

describe("a cached value", () => {
  it.each([null, 0, "", false, [], {}, "text"])("is computed once, also when it is %j", async (value) => {
    const { open, isolate } = rig();
    let computed = 0;
    const compute = async (): Promise<JsonValue> => ((computed += 1), value);
    for (const cache of [open(), open(), isolate()()])
      expect(await cache.withCache(place, rule, compute)).toEqual(value);
    expect(computed).toBe(1);
    expect(await isolate()().get(place)).toEqual(value);
  });

  it("that is undefined is nothing, and leaves the next one to compute", async () => {
    const { open } = rig();
    expect(await open().withCache(place, rule, async () => undefined)).toBeUndefined();
    expect(await open().withCache(place, rule, async () => 1)).toBe(1);
  });

  it("is computed anew when it is no longer fresh, and not before", async () => {
    const { open, clock } = rig();
    await open().set(place, "old", rule);
    await clock.advance(rule.freshMs - 1);
    expect(await open().withCache(place, rule, async () => "new")).toBe("old");
    await clock.advance(1);
    expect(await open().get(place)).toBeUndefined();
    expect(await open().withCache(place, rule, async () => "new")).toBe("new");
  });

  it("whose computing fails leaves the next one to compute at once", async () => {
    const { open } = rig();
    await expect(open().withCache(place, rule, () => Promise.reject(new Error("told to")))).rejects.toThrow("told to");
    expect(await open().withCache(place, rule, async () => 1)).toBe(1);
  });

  it("that is too large is given back and not kept", async () => {
    const { open } = rig();
    const large = "x".repeat(limits.cacheValueCharsMax);
    expect(await open().withCache(place, rule, async () => large)).toBe(large);
    expect(await open().withCache(place, rule, async () => "small")).toBe("small");
  });

  it("cannot be changed by who was given it", async () => {
    const { open } = rig();
    const near = { ...rule, nearMs: 1_000 };
    const given = await open().withCache(place, near, async () => ({ list: [1] }));
    given.list.push(2);
    expect(await open().get(place)).toEqual({ list: [1] });
  });
});

describe("of those who miss at once", () => {
  it("one computes, in the same request and in others; the rest wait for it", async () => {
    const { open, isolate, clock } = rig();
    const { gates, compute } = slow();
    const mine = open();
    const asked = [mine, mine, open(), isolate()()].map((cache) => cache.withCache(place, rule, compute));
    await settle();
    gates[0]!.resolve("value");
    await settle();
    await clock.advance(limits.cacheAskAgainMs);
    expect(await Promise.all(asked)).toEqual(["value", "value", "value", "value"]);
    expect(gates).toHaveLength(1);
  });

  it("the others take the stale value while one computes", async () => {
    const { open, clock } = rig();
    await open().set(place, "old", rule);
    await clock.advance(rule.freshMs);
    const { gates, compute } = slow();
    const one = open().withCache(place, rule, compute);
    await settle();
    expect(await open().withCache(place, rule, compute)).toBe("old");
    gates[0]!.resolve("new");
    expect(await one).toBe("new");
    expect(gates).toHaveLength(1);
  });

  it("each computes for itself when the one takes too long, and its own late value is kept by nobody", async () => {
    const { open, clock } = rig();
    const first = slow();
    const late = open().withCache(place, rule, first.compute);
    await settle();
    const other = open().withCache(place, rule, async () => "own");
    for (let waited = 0; waited <= limits.cacheWaitMs; waited += limits.cacheAskAgainMs) {
      await settle();
      await clock.advance(limits.cacheAskAgainMs);
    }
    expect(await other).toBe("own");
    await clock.advance(limits.cacheLeaseMs);
    first.gates[0]!.resolve("late");
    expect(await late).toBe("late");
    expect(await open().get(place)).toBeUndefined();
  });
});

describe("an invalidation", () => {
  const ways: [string, (cache: Cache) => Promise<void>][] = [
    ["by key", (cache) => cache.invalidate(place)],
    ["by tag", (cache) => cache.invalidateTag({ owner: "u1", tag: "red" })],
  ];

  it.each(ways)("%s reaches the next request of this isolate at once, and others after nearMs", async (_way, act) => {
    const { open, isolate, clock } = rig();
    const elsewhere = isolate();
    const near = { freshMs: 10_000, nearMs: 500 };
    await open().set(place, "old", near);
    expect(await elsewhere().get(place)).toBe("old");
    await act(open());
    expect(await open().get(place)).toBeUndefined();
    expect(await elsewhere().get(place)).toBe("old");
    await clock.advance(500);
    expect(await elsewhere().get(place)).toBeUndefined();
  });

  it.each(ways)("%s while it is computed throws away what comes of it", async (_way, act) => {
    const { open } = rig();
    const { gates, compute } = slow();
    const computing = open().withCache(place, { ...rule, nearMs: 1_000 }, compute);
    await settle();
    await act(open());
    gates[0]!.resolve("old");
    expect(await computing).toBe("old");
    expect(await open().get(place)).toBeUndefined();
    expect(await open().withCache(place, rule, async () => "new")).toBe("new");
  });

  it("by tag leaves what has another tag or owner", async () => {
    const { open } = rig();
    const others = [
      { ...place, name: "blue", tags: ["blue"] },
      { ...place, owner: "u2" },
    ];
    for (const other of others) await open().set(other, 1, rule);
    await open().invalidateTag({ owner: "u1", tag: "red" });
    for (const other of others) expect(await open().get(other)).toBe(1);
  });

  it("that does not reach the storage fails", async () => {
    const down = () => Promise.reject(new AppError("redis_unavailable", "told to fail"));
    const { isolate } = rig();
    await expect(isolate({ forget: down })().invalidate(place)).rejects.toMatchObject({ code: "redis_unavailable" });
  });
});

describe("while the storage is down", () => {
  it("values are computed", async () => {
    const down = () => Promise.reject(new AppError("redis_unavailable", "told to fail"));
    const { isolate } = rig();
    expect(await isolate({ read: down, claim: down })().withCache(place, rule, async () => 1)).toBe(1);
    expect(await isolate({ complete: down })().withCache(place, rule, async () => 2)).toBe(2);
  });
});

describe("bad input", () => {
  it.each(["", "a:b", "{u}", "x".repeat(257), "a b"])("%j is refused as a name and as a tag", async (name) => {
    const { open } = rig();
    await expect(open().get({ name })).rejects.toThrow("names and tags");
    await expect(open().get({ name: "a", tags: [name] })).rejects.toThrow("names and tags");
  });

  it("a value is kept for a day, and not longer", async () => {
    const { open } = rig();
    await open().set(place, 1, { freshMs: limits.cacheTtlMsMax });
    await expect(open().set(place, 1, { freshMs: limits.cacheTtlMsMax, staleMs: 1 })).rejects.toThrow("cacheTtlMsMax");
  });
});

describe("what an isolate remembers", () => {
  const entry = (key: string, text = "x") => ({ key, text, until: 100 });

  it("is bounded in entries: the one that was used longest ago goes", () => {
    const memory = createIsolateCache({ entriesMax: 2, bytesMax: 1_000 });
    for (const key of ["a", "b"]) memory.put(entry(key), 0);
    memory.get("a", 0);
    memory.put(entry("c"), 0);
    expect(["a", "b", "c"].map((key) => memory.get(key, 0))).toEqual(["x", undefined, "x"]);
  });

  it("is bounded in bytes, also when one text is replaced by a longer one", () => {
    const memory = createIsolateCache({ entriesMax: 10, bytesMax: 20 });
    memory.put(entry("a", "1234"), 0);
    memory.put(entry("b", "1234"), 0);
    expect(memory.get("a", 0)).toBe("1234");
    memory.put(entry("b", "12345"), 0);
    expect([memory.get("a", 0), memory.get("b", 0)]).toEqual([undefined, "12345"]);
    memory.put(entry("c", "x".repeat(10)), 0);
    expect([memory.get("b", 0), memory.get("c", 0)]).toEqual(["12345", undefined]);
  });

  it("is over at its time", () => {
    const memory = createIsolateCache(bounds);
    memory.put(entry("a"), 0);
    expect([memory.get("a", 99), memory.get("a", 100)]).toEqual(["x", undefined]);
  });
});
