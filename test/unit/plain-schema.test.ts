/** Foreign JSON Schemas made plain: bounded, and never stricter than they were. */
import { Validator } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import { plainSchema } from "../../src/mcp/plain-schema.ts";

const takes = (schema: object, value: unknown): boolean =>
  new Validator(plainSchema({ type: "object", ...schema })!).validate(value).valid;

describe("a plain schema", () => {
  it("keeps types, fields, bounds and alternatives", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string", maxLength: 3 }, b: { anyOf: [{ type: "null" }, { enum: [1, 2] }] } },
      required: ["a"],
      additionalProperties: false,
    };
    expect(plainSchema(schema)).toEqual(schema);
  });

  it("has references written out, and one that comes again stands for anything", () => {
    const tree = { $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } } };
    const schema = { ...tree, properties: { root: { $ref: "#/$defs/node", description: "the root" } } };
    expect(plainSchema({ type: "object", ...schema })).toEqual({
      type: "object",
      properties: { root: { type: "object", description: "the root", properties: { next: {} } } },
    });
    expect(takes(schema, { root: { next: { next: 1 } } })).toBe(true);
    expect(takes(schema, { root: 1 })).toBe(false);
    expect(plainSchema({ type: "object", $ref: "#" })).toEqual({ type: "object" });
  });

  it.each([
    ["a pattern", { properties: { a: { pattern: "^(a+)+$" } } }, { a: `${"a".repeat(64)}!` }],
    ["fields by pattern", { patternProperties: { "^x": {} }, additionalProperties: false }, { x1: 1 }],
    ["one of several", { properties: { a: { oneOf: [{ pattern: "^a" }, { pattern: "^b" }] } } }, { a: "a" }],
    ["a negation", { properties: { a: { not: { pattern: "^b" } } } }, { a: "a" }],
    ["places of a list", { properties: { a: { prefixItems: [{ type: "string" }], items: false } } }, { a: ["x"] }],
    ["a reference to elsewhere", { properties: { a: { $ref: "https://example.com/schema" } } }, { a: 1 }],
    ["a reference to nothing", { properties: { a: { $ref: "#/$defs/__proto__" } } }, { a: 1 }],
    ["a part that is no schema", { properties: { a: 7 } }, { a: 1 }],
  ])("is milder by %s, never stricter", (_case, schema, value) => {
    expect(takes(schema, value)).toBe(true);
  });

  it("is refused where it doubles at each step, or is none of an object", () => {
    const levels = Array.from({ length: 12 }, (_level, at): [string, object] => [
      `d${at}`,
      { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]);
    expect(plainSchema({ type: "object", $defs: Object.fromEntries(levels), $ref: "#/$defs/d0" })).toBeUndefined();
    expect([null, [], "x", {}, { type: "string" }].map(plainSchema)).toEqual(Array(5).fill(undefined));
  });
});
