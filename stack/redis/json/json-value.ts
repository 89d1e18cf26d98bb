import { ErrorReply } from "../resp.ts";
import type { Arg } from "../resp.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** The names of the JSON commands for types, and what a value of each is here. */
export interface JsonTypes {
  null: null;
  boolean: boolean;
  integer: number;
  number: number;
  string: string;
  array: Json[];
  object: JsonObject;
}
export type JsonTypeName = keyof JsonTypes;

/** A command fails with this text; nothing is changed. */
export class JsonError extends Error {
  readonly reply: ErrorReply;
  constructor(text: string) {
    super(text);
    this.name = "JsonError";
    this.reply = new ErrorReply(text);
  }
}

/** As in RedisJSON. It also keeps every recursion over a document short. */
const DEPTH_MAX = 128;

/** @throws JsonError for what is not JSON, or nested too deep. */
export function parseJson(arg: Arg | undefined): Json {
  let value: Json;
  try {
    value = JSON.parse(String(arg)) as Json;
  } catch {
    throw new JsonError(`ERR the value is not JSON: ${String(arg).slice(0, 100)}`);
  }
  if (depthOf(value) > DEPTH_MAX) throw new JsonError("ERR recursion limit exceeded");
  return value;
}

/** Goes a step further than the limit and not deeper, so that no document can exhaust the stack. */
function depthOf(value: Json, reached = 1): number {
  if (value === null || typeof value !== "object" || reached > DEPTH_MAX) return reached;
  let deepest = reached;
  for (const child of Object.values(value)) deepest = Math.max(deepest, depthOf(child, reached + 1));
  return deepest;
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function typeNameOf(value: Json): JsonTypeName {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value as "boolean" | "string" | "object";
}

/** Also for a name like `__proto__`, which a plain assignment would not store. */
export function setMember(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

export interface JsonLayout {
  indent: string;
  newline: string;
  space: string;
}

/** JSON with the layout that JSON.GET was asked for; with none it is what JSON.stringify writes. */
export function formatJson(value: Json, layout: JsonLayout, depth = 1): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const items = Array.isArray(value)
    ? value.map((item) => formatJson(item, layout, depth + 1))
    : Object.entries(value).map(
        ([name, member]) => `${JSON.stringify(name)}:${layout.space}${formatJson(member, layout, depth + 1)}`,
      );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (items.length === 0) return open + close;
  const line = layout.newline + layout.indent.repeat(depth);
  return open + line + items.join(`,${line}`) + layout.newline + layout.indent.repeat(depth - 1) + close;
}
