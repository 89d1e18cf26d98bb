import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KnowledgeEntry } from "../../src/memory/knowledge.ts";
import { rankByText, textOfValue } from "../../src/memory/rank-text.ts";
import { foldText, tokensOf } from "../../src/memory/tokenise.ts";

function entry(key: string, value: KnowledgeEntry["value"] = "", tags: string[] = [], updatedAt = 0): KnowledgeEntry {
  return { key, value, tags, updatedAt };
}

const keysOf = (query: string, entries: readonly KnowledgeEntry[]): string[] =>
  rankByText(query, entries).map((ranked) => ranked.entry.key);

describe("words", () => {
  it.each([
    ["Café, THÉ & crème-brûlée!", ["cafe", "the", "creme", "brulee"]],
    ["İstanbul STRASSE ﬁne", ["istanbul", "strasse", "fine"]],
    ["東京タワー3階", ["東京", "京タ", "タワ", "ワー", "3", "階"]],
    ["한국어 학교", ["한국어", "학교"]],
    ["กรุงเทพ", ["กร", "รุ", "ุง", "งเ", "เท", "ทพ"]],
    ["हिन्दी भाषा", ["हिन्दी", "भाषा"]],
    ["a_b c2d", ["a", "b", "c2d"]],
    ["  …!? ", []],
  ])("of %j are %j", (text, words) => {
    expect(tokensOf(foldText(text))).toEqual(words);
  });

  it("are the same in any spelling of their characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(tokensOf(foldText(text.normalize("NFD")))).toEqual(tokensOf(foldText(text.normalize("NFC"))));
      }),
    );
  });

  it("of a value are those of all its texts, names and numbers", () => {
    expect(textOfValue({ city: "Rome", seats: [2, true, null], inner: { x: "y" } })).toBe(
      "city Rome seats 2 true  inner x y",
    );
  });
});

describe("a search by words", () => {
  const entries = [
    entry("favourite colour", "green", ["taste"]),
    entry("car", "a green one", [], 5),
    entry("colour of the car", "red", [], 9),
    entry("diet", { avoids: ["nuts", "Crème brûlée"] }, ["health"]),
    entry("nickname", "Bo"),
  ];

  it("finds words in the key before those in a tag, and those before words in the value", () => {
    const three = [entry("a", "sea"), entry("b", "", ["sea"]), entry("sea", "")];
    expect(keysOf("sea", three)).toEqual(["sea", "b", "a"]);
  });

  it("puts the entry first whose key is the query", () => {
    expect(keysOf("Favourite  Colour", entries)[0]).toBe("favourite colour");
    expect(keysOf("car", entries)).toEqual(["car", "colour of the car"]);
  });

  it("finds a word by its beginning, whatever its case and accents, and never by its end", () => {
    expect(keysOf("CREME", entries)).toEqual(["diet"]);
    expect(keysOf("colours", entries)).toEqual(["colour of the car", "favourite colour"]);
    expect(keysOf("avoid", entries)).toEqual(["diet"]);
    expect(keysOf("name", entries)).toEqual([]);
  });

  it("lets a rare word count for more than one that every entry holds", () => {
    const many = ["a", "b", "c"].map((key) => entry(key, "the weather"));
    expect(keysOf("the umbrella", [...many, entry("d", "the umbrella"), entry("e", "umbrella")])[0]).toBe("d");
    expect(keysOf("the umbrella", [...many, entry("e", "umbrella")])[0]).toBe("e");
  });

  it.each(["", " ", "?!", "unheard"])("for %j finds nothing", (query) => {
    expect(keysOf(query, entries)).toEqual([]);
  });

  it("finds a short word only as a whole", () => {
    expect(keysOf("Bo", entries)).toEqual(["nickname"]);
    expect(keysOf("ca", entries)).toEqual([]);
  });
});

describe("the order of what is found", () => {
  const word = fc.constantFrom("sea", "seaside", "green", "car", "cars", "東京", "of", "the", "a");
  const phrase = fc.array(word, { maxLength: 5 }).map((words) => words.join(" "));
  const known = fc.record({
    key: phrase,
    value: phrase,
    tags: fc.array(word, { maxLength: 3 }),
    updatedAt: fc.nat(3),
  });
  const library = fc.uniqueArray(known, { selector: ({ key }) => key, maxLength: 12 });

  it("does not depend on the order in which the entries come", () => {
    const twice = library.chain((entries) =>
      fc.record({
        entries: fc.constant(entries),
        shuffled: fc.shuffledSubarray(entries, { minLength: entries.length }),
      }),
    );
    fc.assert(
      fc.property(twice, phrase, ({ entries, shuffled }, query) => {
        expect(rankByText(query, shuffled)).toEqual(rankByText(query, entries));
      }),
    );
  });

  it("holds only entries with a word of the query, scored above 0, the best first", () => {
    fc.assert(
      fc.property(library, phrase, (entries, query) => {
        const ranked = rankByText(query, entries);
        const stems = tokensOf(foldText(query)).map((token) => token.slice(0, 4));
        for (const { entry: found, score } of ranked) {
          const text = foldText(`${found.key} ${found.tags.join(" ")} ${textOfValue(found.value)}`);
          expect(stems.some((stem) => text.includes(stem))).toBe(true);
          expect(score).toBeGreaterThan(0);
        }
        const scores = ranked.map(({ score }) => score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      }),
    );
  });

  it("never puts an entry behind one that has the same words and fewer", () => {
    fc.assert(
      fc.property(library, phrase, word, (entries, query, extra) => {
        const ranked = rankByText(`${query} ${extra}`, [
          ...entries.filter(({ key }) => key !== "poor" && key !== "rich"),
          entry("poor", query),
          entry("rich", `${query} ${extra}`),
        ]);
        const place = (key: string): number => ranked.findIndex((one) => one.entry.key === key);
        const scoreOf = (key: string): number => ranked[place(key)]?.score ?? 0;
        expect(scoreOf("rich")).toBeGreaterThanOrEqual(scoreOf("poor"));
        if (scoreOf("rich") > scoreOf("poor") && place("poor") >= 0) expect(place("rich")).toBeLessThan(place("poor"));
      }),
    );
  });

  it("finds an entry by every word of its key", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }), (key) => {
        const tokens = tokensOf(foldText(key)).slice(0, 32);
        for (const token of tokens) expect(keysOf(token, [entry(key), entry("x".repeat(60))])).toContain(key);
      }),
    );
  });
});
