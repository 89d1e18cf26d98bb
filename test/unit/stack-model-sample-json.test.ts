import * as z from "zod";
import { expect, test } from "vitest";
import { sampleJson } from "../../stack/model/sample-json.ts";

const node: z.ZodType = z.lazy(() => z.object({ label: z.string(), children: z.array(node) }));
const chain: z.ZodType = z.lazy(() => z.object({ value: z.int(), next: z.union([chain, z.null()]) }));

const schemas: Record<string, z.ZodType> = {
  "a flat object": z.strictObject({ title: z.string(), done: z.boolean(), score: z.number().min(0).max(1) }),
  "bounds and steps": z.object({
    a: z.int().min(5),
    b: z.number().gt(2),
    c: z.int().multipleOf(7).gt(7),
    d: z.number().lt(-3),
    e: z.int().lt(-3),
  }),
  lengths: z.object({ code: z.string().length(12), long: z.string().min(50), short: z.string().max(3) }),
  formats: z.object({ at: z.iso.datetime(), on: z.iso.date(), mail: z.email(), link: z.url(), id: z.uuid() }),
  patterns: z.object({ hex: z.string().regex(/^[0-9a-f]{8}$/), slug: z.string().regex(/^[a-z]+-\d+$/) }),
  "enums, constants and unions": z.object({
    kind: z.enum(["x", "y"]),
    one: z.literal(1),
    either: z.union([z.string(), z.number()]),
  }),
  "nullable and optional": z.object({ a: z.nullable(z.string()), b: z.optional(z.int()) }),
  lists: z.object({
    some: z.array(z.string()).min(2).max(3),
    pair: z.tuple([z.string(), z.int()]),
    steps: z.array(z.object({ tool: z.string() })),
  }),
  records: z.record(z.string(), z.number()),
  intersections: z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })),
  "a recursive tree": node,
  "a recursive chain": chain,
};

test.each(Object.entries(schemas))("a sample of %s satisfies its schema", (_name, schema) => {
  const sample = sampleJson(z.toJSONSchema(schema), { text: "plan a dinner for six people on Friday" });
  expect(schema.safeParse(sample).error?.issues ?? []).toEqual([]);
});

test("a sample is the same each time and survives JSON", () => {
  const schema = z.toJSONSchema(schemas["lists"] ?? z.any());
  const first = sampleJson(schema, { text: "x" });
  expect(sampleJson(schema, { text: "x" })).toEqual(first);
  expect(JSON.parse(JSON.stringify(first))).toEqual(first);
});

test("unique items are distinct", () => {
  const schema = { type: "array", items: { type: "integer" }, minItems: 3, uniqueItems: true };
  expect(new Set(sampleJson(schema, { text: "" }) as number[]).size).toBe(3);
});

test("a schema that requires itself ends", () => {
  const endless = {
    $defs: { a: { type: "object", properties: { a: { $ref: "#/$defs/a" } }, required: ["a"] } },
    $ref: "#/$defs/a",
  };
  expect(() => JSON.stringify(sampleJson(endless, { text: "" }))).not.toThrow();
});

test("only required properties are made on request", () => {
  const schema = z.toJSONSchema(z.object({ a: z.string(), b: z.optional(z.string()) }));
  expect(Object.keys(sampleJson(schema, { text: "", onlyRequired: true }) as object)).toEqual(["a"]);
});
