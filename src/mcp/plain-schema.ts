/**
 * A foreign JSON Schema made plain: a tree of what can be checked in bounded time.
 *
 * References are written out, for a schema of a few lines can refer to itself or double at every step. Patterns are left to the server, for a regular expression of
 * somebody else's may take for ever. What is left out makes the check here milder, never stricter; the server checks again.
 */
import type { Schema } from "@cfworker/json-schema";

const nodesMax = 400;
const depthMax = 16;

/** `undefined` for what is no schema of an object, or too large. */
export function plainSchema(schema: unknown): Record<string, unknown> | undefined {
  if (!isRecord(schema) || schema["type"] !== "object") return undefined;
  const walk = { root: schema, nodes: 0, open: [] };
  try {
    return plain(walk, schema, 0) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

class TooLarge extends Error {}

interface Walk {
  readonly root: Record<string, unknown>;
  nodes: number;
  /** References that are being written out: one that comes again would never end, and stands for anything. */
  readonly open: string[];
}

const keptAsTheyAre = new Set<string>([
  "type",
  "enum",
  "const",
  "required",
  "title",
  "description",
  "default",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
] satisfies (keyof Schema)[]);

/** Where a part that is milder makes the whole milder, as it does not in `not`, `if` and `oneOf`. */
const listsOfSchemas = new Set<string>(["anyOf", "allOf"] satisfies (keyof Schema)[]);

function plain(walk: Walk, schema: unknown, depth: number): unknown {
  walk.nodes += 1;
  if (walk.nodes > nodesMax) throw new TooLarge();
  if (typeof schema === "boolean") return schema;
  if (!isRecord(schema) || depth > depthMax) return {};
  const { $ref, ...own } = schema;
  return typeof $ref === "string" ? writtenOut(walk, $ref, own, depth) : keptOf(walk, own, depth);
}

function writtenOut(walk: Walk, reference: string, own: Record<string, unknown>, depth: number): unknown {
  if (walk.open.includes(reference)) return keptOf(walk, own, depth);
  walk.open.push(reference);
  const whole = plain(walk, { ...referredTo(walk.root, reference), ...own }, depth + 1);
  walk.open.pop();
  return whole;
}

function keptOf(walk: Walk, own: Record<string, unknown>, depth: number): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(own)) {
    if (keptAsTheyAre.has(keyword)) kept[keyword] = value;
    else if (listsOfSchemas.has(keyword) && Array.isArray(value)) {
      kept[keyword] = value.map((part) => plain(walk, part, depth + 1));
    } else if (keyword === "oneOf" && Array.isArray(value)) {
      kept["anyOf"] ??= value.map((part) => plain(walk, part, depth + 1));
    } else if (keyword === "properties" && isRecord(value)) {
      kept[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, plain(walk, part, depth + 1)]),
      );
    } else if (keyword === "items" && !("prefixItems" in own) && !Array.isArray(value)) {
      kept[keyword] = plain(walk, value, depth + 1);
    } else if (keyword === "additionalProperties" && !("patternProperties" in own)) {
      kept[keyword] = plain(walk, value, depth + 1);
    }
  }
  return kept;
}

/** What is not in the schema itself may be anything. */
function referredTo(root: Record<string, unknown>, reference: string): Record<string, unknown> {
  if (!reference.startsWith("#")) return {};
  let at: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    at = (isRecord(at) || Array.isArray(at)) && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : {};
  }
  return isRecord(at) ? at : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
