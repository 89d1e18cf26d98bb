/**
 * Makes a value that satisfies a JSON schema: for `response_format` and for tool arguments that nothing in the
 * conversation supplies. Deterministic. It covers what structured outputs allow, and formats and simple patterns beside.
 */
import { isRecord } from "./chat-request.ts";
import { sampleString } from "./sample-string.ts";

interface Context {
  root: unknown;
  /** What the person said; used for free text. */
  text: string;
  onlyRequired: boolean;
}

/** Beyond this depth only required properties and minimal lists are made, so that recursive schemas end. */
const GENEROUS_DEPTH_MAX = 4;
/** A schema that requires itself has no finite value; below this depth we give up with null. */
const DEPTH_MAX = 24;

/** A value for `schema`; `o.onlyRequired` leaves optional properties out at every depth. */
export function sampleJson(schema: unknown, o: { text: string; onlyRequired?: boolean }): unknown {
  return sample(schema, { root: schema, text: o.text, onlyRequired: o.onlyRequired ?? false }, "", 0);
}

function sample(schema: unknown, context: Context, name: string, depth: number): unknown {
  if (!isRecord(schema) || depth > DEPTH_MAX) return schema === true ? {} : null;
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"])) return schema["enum"][0];
  if (typeof schema["$ref"] === "string")
    return sample(resolve(schema["$ref"], context.root), context, name, depth + 1);
  if (Array.isArray(schema["allOf"])) return sample(mergeAll(schema, context.root), context, name, depth + 1);
  const choices = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(choices)) return sample(pick(choices, depth), context, name, depth + 1);
  switch (typeOf(schema, depth)) {
    case "object":
      return sampleObject(schema, context, depth);
    case "array":
      return sampleArray(schema, context, name, depth);
    case "integer":
      return sampleNumber(schema, 1);
    case "number":
      return sampleNumber(schema, undefined);
    case "boolean":
      return true;
    case "string":
      return sampleString(schema, name, context.text);
    default:
      return null;
  }
}

function sampleObject(schema: Record<string, unknown>, context: Context, depth: number): Record<string, unknown> {
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = new Set(Array.isArray(schema["required"]) ? (schema["required"] as string[]) : []);
  const isGenerous = !context.onlyRequired && depth <= GENEROUS_DEPTH_MAX;
  const entries = Object.entries(properties).filter(([key]) => required.has(key) || isGenerous);
  const made: Record<string, unknown> = {};
  for (const [key, child] of entries) made[key] = sample(child, context, key, depth + 1);
  // A required key that `properties` does not describe may hold anything that additionalProperties allows.
  for (const key of required) if (!(key in made)) made[key] = sample(additional(schema), context, key, depth + 1);
  if (Object.keys(schema).length === 0) return { reply: context.text === "" ? "offline demo model" : context.text };
  return made;
}

function additional(schema: Record<string, unknown>): unknown {
  return isRecord(schema["additionalProperties"]) ? schema["additionalProperties"] : { type: "string" };
}

function sampleArray(schema: Record<string, unknown>, context: Context, name: string, depth: number): unknown[] {
  const prefix = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : [];
  const min = typeof schema["minItems"] === "number" ? schema["minItems"] : 0;
  const max = typeof schema["maxItems"] === "number" ? schema["maxItems"] : Infinity;
  const isGenerous = depth <= GENEROUS_DEPTH_MAX && !context.onlyRequired;
  const length = Math.min(Math.max(min, prefix.length, isGenerous && schema["items"] !== undefined ? 1 : 0), max);
  const values = Array.from({ length }, (_, index) =>
    sample(prefix[index] ?? schema["items"] ?? {}, context, name, depth + 1),
  );
  return schema["uniqueItems"] === true
    ? values.map((value, index) => distinct(value, index, schema["items"]))
    : values;
}

/** Numbers and free strings are told apart by their index, enums by their members; anything else stays as it is. */
function distinct(value: unknown, index: number, items: unknown): unknown {
  if (isRecord(items) && Array.isArray(items["enum"])) return items["enum"][index] ?? value;
  if (typeof value === "number")
    return value + index * (isRecord(items) && typeof items["multipleOf"] === "number" ? items["multipleOf"] : 1);
  return typeof value === "string" && index > 0 ? `${value} ${index + 1}` : value;
}

function sampleNumber(schema: Record<string, unknown>, smallestStep: number | undefined): number {
  const number = (key: string): number | undefined => (typeof schema[key] === "number" ? schema[key] : undefined);
  const step = number("multipleOf") ?? smallestStep;
  const above = number("exclusiveMinimum");
  const below = number("exclusiveMaximum");
  const low = Math.max(number("minimum") ?? -Infinity, above ?? -Infinity);
  const high = Math.min(number("maximum") ?? Infinity, below ?? Infinity);
  if (step === undefined) {
    if (low === -Infinity)
      return high === Infinity ? 1 : below === undefined ? Math.min(high, 1) : Math.min(high - 1, 1);
    if (above === undefined) return low;
    return high === Infinity ? low + 1 : (low + high) / 2;
  }
  if (low === -Infinity) {
    const last = Math.floor(Math.min(high, step) / step) * step;
    return last === below ? last - step : last;
  }
  const first = Math.ceil(low / step) * step;
  return first === above ? first + step : first;
}

function typeOf(schema: Record<string, unknown>, depth: number): string {
  const type = schema["type"];
  if (typeof type === "string") return type;
  // Nullable: the value while there is room, null where a recursive schema must end.
  if (Array.isArray(type))
    return depth > GENEROUS_DEPTH_MAX && type.includes("null")
      ? "null"
      : String(type.find((t) => t !== "null") ?? "null");
  if ("properties" in schema || Object.keys(schema).length === 0) return "object";
  if ("items" in schema || "prefixItems" in schema) return "array";
  if ("minimum" in schema || "maximum" in schema) return "number";
  return "string";
}

/** The first choice while there is room; deeper down the plainest one. */
function pick(choices: unknown[], depth: number): unknown {
  const isPlain = (choice: unknown): boolean =>
    isRecord(choice) && !("$ref" in choice) && choice["type"] !== "object" && choice["type"] !== "array";
  const isNull = (choice: unknown): boolean => isRecord(choice) && choice["type"] === "null";
  if (depth > GENEROUS_DEPTH_MAX) return choices.find(isNull) ?? choices.find(isPlain) ?? choices.at(-1);
  return choices.find((choice) => !isNull(choice)) ?? choices[0];
}

/** `allOf` as one schema: the members' properties and required names together, other keywords by the last that has them. */
function mergeAll(schema: Record<string, unknown>, root: unknown): Record<string, unknown> {
  const { allOf, ...own } = schema;
  const merged: Record<string, unknown> = {};
  for (const part of [own, ...(allOf as unknown[])]) {
    const plain = isRecord(part) && typeof part["$ref"] === "string" ? resolve(part["$ref"], root) : part;
    if (!isRecord(plain)) continue;
    const properties = {
      ...(merged["properties"] as object | undefined),
      ...(plain["properties"] as object | undefined),
    };
    const required = [
      ...((merged["required"] as string[] | undefined) ?? []),
      ...((plain["required"] as string[] | undefined) ?? []),
    ];
    Object.assign(merged, plain);
    if (Object.keys(properties).length > 0) merged["properties"] = properties;
    if (required.length > 0) merged["required"] = required;
  }
  return merged;
}

/** `#`, `#/$defs/x` and the like. An unknown target yields an empty schema. */
function resolve(ref: string, root: unknown): unknown {
  let at: unknown = root;
  for (const key of ref.replace(/^#\/?/, "").split("/")) {
    if (key === "") continue;
    at = isRecord(at)
      ? at[key.replaceAll("~1", "/").replaceAll("~0", "~")]
      : Array.isArray(at)
        ? (at as unknown[])[Number(key)]
        : undefined;
  }
  return at ?? {};
}
