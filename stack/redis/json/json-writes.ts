import { StatusReply } from "../resp.ts";
import type { Reply } from "../resp.ts";
import { find, findParents, readPath, removeAt, replaceAt, targetIn } from "./json-path.ts";
import type { JsonPath, Place, Target } from "./json-path.ts";
import { isOf, onlyPlace, readInteger } from "./json-reads.ts";
import { isObject, JsonError, parseJson, setMember } from "./json-value.ts";
import type { Json, JsonTypeName, JsonTypes } from "./json-value.ts";

export interface JsonOutcome {
  reply: Reply;
  /** The document afterwards; undefined deletes the key. */
  document: Json | undefined;
}

/** Changes one document, in place or not; undefined is a key that does not exist. @throws JsonError when the command fails. */
export type JsonWrite = (document: Json | undefined, args: readonly string[]) => JsonOutcome;

export const jsonWrites: Record<string, JsonWrite> = {
  "JSON.SET": (document, [path = "", value, condition]) =>
    set(document, readPath(path), { value: parseJson(value), condition: condition?.toUpperCase() }),
  "JSON.MERGE": (document, [path = "", value]) => merge(document, readPath(path), parseJson(value)),
  "JSON.DEL": (document, [path = "."]) => remove(document, readPath(path)),
  "JSON.FORGET": (document, [path = "."]) => remove(document, readPath(path)),
  "JSON.CLEAR": (document, [path = "."]) => clear(targetIn(existing(document), path)),
  "JSON.TOGGLE": (document, [path = "."]) => toggle(targetIn(existing(document), path)),
  "JSON.NUMINCRBY": (document, [path = "", by]) => calculate(targetIn(existing(document), path), by, (a, b) => a + b),
  "JSON.NUMMULTBY": (document, [path = "", by]) => calculate(targetIn(existing(document), path), by, (a, b) => a * b),
  "JSON.STRAPPEND": (document, args) => appendText(existing(document), args),
  "JSON.ARRAPPEND": (document, [path = "", ...values]) => {
    const added = values.map(parseJson);
    return changeArrays(targetIn(existing(document), path), (items) => items.push(...added));
  },
  "JSON.ARRINSERT": (document, [path = "", index = "", ...values]) => {
    const added = values.map(parseJson);
    const given = readInteger(index);
    return changeArrays(targetIn(existing(document), path), (items) => insert(items, given, added));
  },
  "JSON.ARRPOP": (document, [path = ".", index = "-1"]) => {
    const given = readInteger(index);
    return changeArrays(targetIn(existing(document), path), (items) => pop(items, given));
  },
  "JSON.ARRTRIM": (document, [path = "", from = "", to = ""]) => {
    const [start, stop] = [readInteger(from), readInteger(to)];
    return changeArrays(targetIn(existing(document), path), (items) => trim(items, start, stop));
  },
};

function existing(document: Json | undefined): Json {
  if (document === undefined) throw new JsonError("ERR could not perform this operation on a key that doesn't exist");
  return document;
}

/** NX sets only what is not there, XX only what is. Nil: the condition was not met, or there is no object to hold the member. */
function set(document: Json | undefined, path: JsonPath, { value, condition }: NewValue): JsonOutcome {
  if (condition !== undefined && condition !== "NX" && condition !== "XX") throw new JsonError("ERR syntax error");
  if (document === undefined) return create(path, { value, condition });
  const places = find({ document, path });
  const isRefused = condition === (places.length > 0 ? "NX" : "XX");
  if (isRefused) return { reply: null, document };
  if (places.length === 0) return addMember({ document, path }, value);
  let changed = document;
  for (const { location } of places) changed = replaceAt(changed, location, value);
  return { reply: ok, document: changed };
}

interface NewValue {
  value: Json;
  condition?: string | undefined;
}

const ok = new StatusReply("OK");

function create(path: JsonPath, { value, condition }: NewValue): JsonOutcome {
  if (path.query.segments.length > 0) throw new JsonError("ERR new objects must be created at the root");
  return condition === "XX" ? { reply: null, document: undefined } : { reply: ok, document: value };
}

function addMember(target: Target, value: Json): JsonOutcome {
  const { parents = [], name = "" } = findParents(target) ?? {};
  for (const parent of parents) setMember(parent, name, value);
  return { reply: parents.length > 0 ? ok : null, document: target.document };
}

/** Source: RFC 7396. */
function merge(document: Json | undefined, path: JsonPath, patch: Json): JsonOutcome {
  const places = document === undefined ? [] : find({ document, path });
  if (document === undefined || places.length === 0) return set(document, path, { value: merged(null, patch) });
  let changed: Json | undefined = document;
  for (const { location, value } of places) {
    // A null at the place itself deletes it, as a null inside the patch deletes a member.
    if (patch === null && location.length === 0) changed = undefined;
    else if (patch === null) removeAt(document, location);
    else changed = replaceAt(document, location, merged(value, patch));
  }
  return { reply: ok, document: changed };
}

function merged(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? target : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else setMember(result, name, merged(Object.hasOwn(result, name) ? (result[name] ?? null) : null, value));
  }
  return result;
}

function remove(document: Json | undefined, path: JsonPath): JsonOutcome {
  if (document === undefined) return { reply: 0, document };
  const places = find({ document, path });
  if (places.some(({ location }) => location.length === 0)) return { reply: 1, document: undefined };
  const unique = new Map(places.map(({ location }) => [JSON.stringify(location), location]));
  for (const location of [...unique.values()].toSorted(lastFirst)) removeAt(document, location);
  return { reply: unique.size, document };
}

/** Children before parents and later items before earlier ones, so that no removal moves what is still to be removed. */
function lastFirst(one: Place["location"], other: Place["location"]): number {
  const at = one.findIndex((step, index) => step !== other[index]);
  const [step, otherStep] = [one[at], other[at]];
  if (typeof step === "number" && typeof otherStep === "number") return otherStep - step;
  return other.length - one.length;
}

/** Counts what it emptied; what is empty already, or neither a container nor a number, stays as it is. */
function clear(target: Target): JsonOutcome {
  let count = 0;
  let changed = target.document;
  for (const { location, value } of find(target)) {
    const cleared = Array.isArray(value) ? [] : isObject(value) ? {} : typeof value === "number" ? 0 : value;
    if (JSON.stringify(cleared) === JSON.stringify(value)) continue;
    changed = replaceAt(changed, location, cleared);
    count++;
  }
  return { reply: count, document: changed };
}

/** A new value and a reply for each match, as `each` reads them; null where a match is of another type. */
function change<Name extends JsonTypeName>(
  target: Target,
  type: Name,
  next: (value: JsonTypes[Name]) => { value: Json; reply: Reply },
): JsonOutcome {
  const { isLegacy } = target.path;
  let changed = target.document;
  const replies = (isLegacy ? [onlyPlace(target, type)] : find(target)).map(({ location, value }) => {
    if (!isOf(type, value)) return null;
    const { value: after, reply } = next(value);
    changed = replaceAt(changed, location, after);
    return reply;
  });
  return { reply: isLegacy ? (replies[0] ?? null) : replies, document: changed };
}

function toggle(target: Target): JsonOutcome {
  return change(target, "boolean", (value) => ({
    value: !value,
    reply: target.path.isLegacy ? Buffer.from(String(!value)) : Number(!value),
  }));
}

/** The reply is JSON as a whole: a number for a legacy path, else an array. */
function calculate(target: Target, by: string | undefined, operation: (a: number, b: number) => number): JsonOutcome {
  const operand = parseJson(by);
  if (typeof operand !== "number") throw new JsonError("ERR the operand is not a number");
  const outcome = change(target, "number", (value) => {
    const result = operation(value, operand);
    if (!Number.isFinite(result)) throw new JsonError("ERR result is not a number or out of range");
    return { value: result, reply: result };
  });
  return { ...outcome, reply: Buffer.from(JSON.stringify(outcome.reply)) };
}

/** The path may be left out. */
function appendText(document: Json, args: readonly string[]): JsonOutcome {
  const [path = ".", value] = args.length > 1 ? args : [undefined, args[0]];
  const added = parseJson(value);
  if (typeof added !== "string") throw new JsonError("ERR the value to append is not a string");
  return change(targetIn(document, path), "string", (text) => {
    const result = text + added;
    return { value: result, reply: Buffer.byteLength(result) };
  });
}

/** `edit` changes the array itself and answers with the reply. */
function changeArrays(target: Target, edit: (items: Json[]) => Reply): JsonOutcome {
  return change(target, "array", (items) => ({ value: items, reply: edit(items) }));
}

/** Before the item at `index`; the length is a place to insert at, too. */
function insert(items: Json[], index: number, added: readonly Json[]): number {
  const at = index < 0 ? items.length + index : index;
  if (at < 0 || at > items.length) throw new JsonError("ERR index out of bounds");
  items.splice(at, 0, ...added);
  return items.length;
}

/** An index beyond either end means the item at that end. */
function pop(items: Json[], index: number): Reply {
  const at = Math.min(index < 0 ? Math.max(0, items.length + index) : index, items.length - 1);
  const [popped] = items.splice(at, 1);
  return popped === undefined ? null : Buffer.from(JSON.stringify(popped));
}

/** Keeps the items from `start` to `stop`, both included. */
function trim(items: Json[], start: number, stop: number): number {
  const from = start < 0 ? Math.max(0, items.length + start) : start;
  const to = stop < 0 ? items.length + stop : stop;
  items.splice(0, items.length, ...items.slice(from, to + 1));
  return items.length;
}
