/** JSON of strangers: what nobody can write down again as it was is known before anything is made of it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { faultIn, jsonDepthMax, parseForeignJson, wellFormed } from "../../src/core/foreign-json.ts";

const lists = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const objects = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("JSON of strangers", () => {
  it.each([
    ["lists", lists],
    ["objects", objects],
  ])("may be %s in each other to the limit, and no deeper", (_kind, nested) => {
    expect(parseForeignJson(nested(jsonDepthMax))).toEqual(JSON.parse(nested(jsonDepthMax)));
    expect(faultIn(nested(jsonDepthMax + 1))).toContain("nesting");
    expect(parseForeignJson(nested(jsonDepthMax + 1))).toBeUndefined();
    expect(parseForeignJson(nested(200_000))).toBeUndefined();
  });

  it("may be as wide as it likes, and say brackets in its texts", () => {
    const wide = JSON.stringify(Array.from({ length: 1_000 }, () => [{ a: [] }]));
    expect(faultIn(wide)).toBeUndefined();
    const words = JSON.stringify({ [lists(500)]: '\\"[['.repeat(500), b: "\\", c: "\\\\" });
    expect(faultIn(words)).toBeUndefined();
    expect(faultIn(`[${words},${lists(jsonDepthMax)}]`)).toContain("nesting");
  });

  it("is told to be too deep where it is, whatever it says", () => {
    const value = fc.tuple(fc.json({ maxDepth: 8 }), fc.nat({ max: 2 * jsonDepthMax }));
    fc.assert(
      fc.property(value, ([inner, around]) => {
        const text = "[".repeat(around) + inner + "]".repeat(around);
        const isTooDeep = around + depthOf(JSON.parse(inner)) > jsonDepthMax;
        expect(faultIn(text) !== undefined).toBe(isTooDeep);
      }),
    );
  });

  it.each([
    ["a great exponent", "1e400"],
    ["a negative one", "-1e400"],
    ["a sign and a list around it", "[1E+309]"],
    ["zeros before the exponent", '{"a":[0.1e00310]}'],
    ["as many digits", "9".repeat(310)],
    ["digits and an exponent", `${"9".repeat(250)}e60`],
  ])("has no number that would be written as null, by %s", (_how, text) => {
    expect(JSON.stringify(JSON.parse(text))).toContain("null");
    expect(faultIn(text)).toContain("number");
    expect(parseForeignJson(text)).toBeUndefined();
  });

  it.each(["1e308", "1e-400", "0.000e999", '"1e400"', '{"1e400":"-1e999"}'])(
    "may have any other number, and say what it likes of numbers: %s",
    (text) => {
      expect(parseForeignJson(text)).toEqual(JSON.parse(text));
    },
  );

  it("that is none has no fault, and is none", () => {
    for (const text of ["", "1e400}", '{"a":1e400', '"\\u12"', '"\\ud83"']) {
      expect(faultIn(text)).toBeUndefined();
      expect(parseForeignJson(text)).toBeUndefined();
    }
  });

  it.each([
    ["a high half", '"a\\ud83d"', "a\ufffd"],
    ["a low half", '"\\uDE00b"', "\ufffdb"],
    ["halves in the wrong order", '"\\ude00\\ud83d"', "\ufffd\ufffd"],
    ["two high halves and a low one", '"\\ud83d\\ud83d\\ude00"', "\ufffd\u{1f600}"],
    ["a whole pair", '"\\ud83d\\ude00"', "\u{1f600}"],
    ["a backslash and words", '"\\\\ud83d"', "\\ud83d"],
  ])("has %s read as text that UTF-8 can say", (_what, text, read) => {
    expect(parseForeignJson(text)).toBe(read);
    expect(parseForeignJson(`{${text}:0}`)).toEqual({ [read]: 0 });
  });

  it("becomes the same as its texts made well-formed, and stays as it is otherwise", () => {
    const halves = fc.array(fc.constantFrom("\ud83d", "\ude00", "\\", "u", "d83d", '"', "a"));
    fc.assert(
      fc.property(halves, (parts) => {
        const text = parts.join("");
        expect(JSON.parse(wellFormed(JSON.stringify(text)))).toBe(text.toWellFormed());
      }),
    );
    const json = fc.json({ stringUnit: "grapheme" });
    fc.assert(
      fc.property(json, (text) => {
        expect(wellFormed(text)).toBe(text);
      }),
    );
  });
});
