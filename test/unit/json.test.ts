/** JSON of strangers: how deep it is nested is known before anything is made of it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTooDeep, jsonDepthMax, parseForeignJson } from "../../src/core/json.ts";

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
    expect(isTooDeep(nested(jsonDepthMax + 1))).toBe(true);
    expect(parseForeignJson(nested(jsonDepthMax + 1))).toBeUndefined();
    expect(parseForeignJson(nested(200_000))).toBeUndefined();
  });

  it("may be as wide as it likes, and say brackets in its texts", () => {
    const wide = JSON.stringify(Array.from({ length: 1_000 }, () => [{ a: [] }]));
    expect(isTooDeep(wide)).toBe(false);
    const words = JSON.stringify({ [lists(500)]: '\\"[['.repeat(500), b: "\\", c: "\\\\" });
    expect(isTooDeep(words)).toBe(false);
    expect(isTooDeep(`[${words},${lists(jsonDepthMax)}]`)).toBe(true);
  });

  it("is told to be too deep where it is, whatever it says", () => {
    const value = fc.tuple(fc.json({ maxDepth: 8 }), fc.nat({ max: 2 * jsonDepthMax }));
    fc.assert(
      fc.property(value, ([inner, around]) => {
        const text = "[".repeat(around) + inner + "]".repeat(around);
        expect(isTooDeep(text)).toBe(around + depthOf(JSON.parse(inner)) > jsonDepthMax);
      }),
    );
  });
});
