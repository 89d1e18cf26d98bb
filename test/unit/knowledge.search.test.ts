/** Search by words, by meaning and by both, over a store in memory and an embedder whose vectors are known. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { keepKnowledge } from "../../src/memory/keep-knowledge.ts";
import type { Embedder } from "../../src/memory/embedder.ts";
import { searchKnowledge, type KnowledgeQuery } from "../../src/memory/search-knowledge.ts";
import { manualClock, silentLog } from "../fakes/clock.ts";
import { memoryKnowledgeStore } from "../fakes/memory-knowledge-store.ts";

const owner = { userId: "usr_1", agentId: "chat" };

/** Texts that share a first letter mean the same. */
function letterEmbedder(model = "letters"): Embedder & { asked: string[][]; failure: Error | undefined } {
  const self = {
    model,
    asked: [] as string[][],
    failure: undefined as Error | undefined,
    async embed(texts: readonly string[], signal: AbortSignal): Promise<number[][]> {
      signal.throwIfAborted();
      if (self.failure !== undefined) throw self.failure;
      self.asked.push([...texts]);
      return texts.map((text) => {
        const place = (text.toLowerCase().charCodeAt(0) - 97) % 26;
        return Array.from({ length: 26 }, (_, index) => (index === place ? 1 : 0.01));
      });
    },
  };
  return self;
}

function setUp(embedder?: Embedder) {
  let version = 0;
  const parts = {
    store: memoryKnowledgeStore(),
    embedder,
    clock: manualClock(),
    log: silentLog,
    random: { uuid: () => `v${(version += 1)}`, bytes: (length: number) => new Uint8Array(length) },
  };
  const never = new AbortController().signal;
  const keep = (key: string, value: string) => keepKnowledge(parts, owner, { key, value, tags: [] }, never);
  const search = async (text: string, more: Partial<KnowledgeQuery> = {}, given = parts) => {
    const found = await searchKnowledge(given, owner, { text, limit: 10, ...more }, never);
    return { ...found, keys: found.hits.map(({ entry }) => entry.key) };
  };
  return { parts, keep, search };
}

const unavailable = new AppError("model_unavailable", "down");

describe("a search without an embedding endpoint", () => {
  it("goes by words, within a prefix, up to its limit", async () => {
    const t = setUp();
    for (const key of ["home/sea", "home/sky", "work/sea"]) await t.keep(key, "sea");
    expect(await t.search("sea", { prefix: "home/" })).toMatchObject({ by: "text", keys: ["home/sea", "home/sky"] });
    expect((await t.search("sea", { limit: 1 })).keys).toHaveLength(1);
  });

  it.each([
    ["by words", undefined],
    ["by words and meaning", letterEmbedder()],
  ])(
    "%s is filled up with what does not fit, in the order of its keys, where that is asked for",
    async (_how, embedder) => {
      const t = setUp(embedder);
      for (const [key, value] of Object.entries({ b: "zebra", c: "sea", a: "zoo" })) await t.keep(key, value);
      const [first, ...others] = (await t.search("sea", { isFilledUp: true })).keys;
      expect([first, others.toSorted()]).toEqual(["c", ["a", "b"]]);
      expect((await setUp().search("sea", { isFilledUp: true })).keys).toEqual([]);
      expect((await t.search("sea", { isFilledUp: true, limit: 2 })).keys).toHaveLength(2);
      expect((await t.search("sea", { isFilledUp: true, prefix: "b" })).keys).toEqual(["b"]);
    },
  );

  it("refuses to go by meaning", async () => {
    await expect(setUp().search("sea", { by: "meaning" })).rejects.toMatchObject({ code: "no_embedding" });
  });
});

describe("a search by meaning", () => {
  it("finds what shares no word with the query, the nearest first", async () => {
    const embedder = letterEmbedder();
    const t = setUp(embedder);
    await t.keep("apple", "red");
    await t.keep("berry", "blue");
    const found = await t.search("avocado", { by: "meaning" });
    expect(found).toMatchObject({ by: "meaning", unseen: 0 });
    expect(found.keys).toEqual(["apple", "berry"]);
    expect(found.hits[0]!.score).toBeGreaterThan(0.9);
    expect(embedder.asked).toHaveLength(3);
  });

  it("joins words and meaning: what both find comes first, and words alone still find", async () => {
    const t = setUp(letterEmbedder());
    await t.keep("apple", "pie");
    await t.keep("avocado", "toast");
    await t.keep("berry", "avocado cream");
    const found = await t.search("avocado");
    expect(found.by).toBe("both");
    expect(found.keys[0]).toBe("avocado");
    expect(found.keys).toContain("berry");
  });

  it("makes vectors for entries that were kept without one, once", async () => {
    const t = setUp(undefined);
    for (const key of ["apple", "berry"]) await t.keep(key, "x");
    const embedder = letterEmbedder();
    const given = { ...t.parts, embedder };
    expect((await t.search("avocado", { by: "meaning" }, given)).keys).toEqual(["apple", "berry"]);
    await t.search("avocado", { by: "meaning" }, given);
    expect(embedder.asked.map((texts) => texts.length)).toEqual([1, 2, 1]);
  });

  it("makes vectors anew when the model is another one", async () => {
    const t = setUp(letterEmbedder("old"));
    await t.keep("apple", "x");
    const embedder = letterEmbedder("new");
    const given = { ...t.parts, embedder };
    await t.search("avocado", { by: "meaning" }, given);
    await t.search("avocado", { by: "meaning" }, given);
    expect(embedder.asked).toEqual([["avocado"], ["apple: x"], ["avocado"]]);
    const { vectors } = await t.parts.store.load(owner, { withVectors: true });
    expect(vectors.get("apple")?.model).toBe("new");
  });

  it("never takes the vector of an earlier value for that of the present one", async () => {
    const embedder = letterEmbedder();
    const t = setUp(embedder);
    await t.keep("apple", "x");
    embedder.failure = unavailable;
    await t.keep("apple", "y");
    embedder.failure = undefined;
    embedder.asked.length = 0;
    await t.search("avocado", { by: "meaning" });
    expect(embedder.asked).toEqual([["avocado"], ["apple: y"]]);
  });

  it("catches up on a bounded number of entries, says how many it could not see, and goes on next time", async () => {
    const t = setUp(undefined);
    const count = limits.embeddingsPerSearchMax + 10;
    for (let index = 0; index < count; index += 1) await t.keep(`a${index}`, "x");
    const embedder = letterEmbedder();
    const given = { ...t.parts, embedder };
    expect((await t.search("avocado", { by: "meaning" }, given)).unseen).toBe(10);
    expect(Math.max(...embedder.asked.map((texts) => texts.length))).toBe(limits.embeddingBatchMax);
    expect((await t.search("avocado", { by: "meaning" }, given)).unseen).toBe(0);
  });

  it("drops vectors whose entry is gone", async () => {
    const t = setUp(letterEmbedder());
    await t.keep("apple", "x");
    const vector = { version: "v0", model: "letters", vector: new Int8Array(26) };
    await t.parts.store.putVectors(owner, new Map([["gone", vector]]));
    await t.search("avocado", { by: "meaning" });
    const { vectors } = await t.parts.store.load(owner, { withVectors: true });
    expect([...vectors.keys()]).toEqual(["apple"]);
  });
});

describe("an embedding endpoint that fails", () => {
  it("does not stop an entry from being kept", async () => {
    const embedder = letterEmbedder();
    embedder.failure = unavailable;
    const t = setUp(embedder);
    expect(await t.keep("apple", "x")).toMatchObject({ kind: "kept" });
    expect(await t.search("apple", { by: "text" })).toMatchObject({ by: "text", keys: ["apple"] });
  });

  it("lets a search go by words alone, unless meaning was asked for", async () => {
    const embedder = letterEmbedder();
    const t = setUp(embedder);
    await t.keep("apple", "x");
    embedder.failure = unavailable;
    expect(await t.search("apple")).toMatchObject({ by: "text", keys: ["apple"] });
    await expect(t.search("apple", { by: "meaning" })).rejects.toBe(unavailable);
  });

  it("while catching up leaves entries unseen, and finds the others", async () => {
    const embedder = letterEmbedder();
    const t = setUp(embedder);
    await t.keep("apple", "x");
    await keepKnowledge(
      { ...t.parts, embedder: undefined },
      owner,
      { key: "avocado", value: "y", tags: [] },
      new AbortController().signal,
    );
    const embed = embedder.embed;
    embedder.embed = async (texts, signal) => {
      if (embedder.asked.length >= 2) throw unavailable;
      return embed(texts, signal);
    };
    expect(await t.search("a", { by: "meaning" })).toMatchObject({ keys: ["apple"], unseen: 1 });
  });

  it("ends with the caller who has left", async () => {
    const t = setUp(letterEmbedder());
    const left = new AbortController();
    left.abort(new Error("gone"));
    const query = { text: "apple", limit: 1 };
    await expect(searchKnowledge(t.parts, owner, query, left.signal)).rejects.toThrow("gone");
  });
});
