import type { Reply } from "../resp.ts";
import { StatusReply } from "../resp.ts";
import { find, readPath, targetIn } from "./json-path.ts";
import type { JsonPath, Place, Target } from "./json-path.ts";
import { formatJson, JsonError, parseJson, typeNameOf } from "./json-value.ts";
import type { Json, JsonLayout, JsonTypeName, JsonTypes } from "./json-value.ts";

/** Reads one document. @throws JsonError when the command fails. */
export type JsonRead = (document: Json, args: readonly string[]) => Reply;

/** By the name of the command. Without a path a command means the root, as a legacy path. */
export const jsonReads: Record<string, JsonRead> = {
  "JSON.GET": get,
  "JSON.RESP": (document, [path = "."]) => each(targetIn(document, path), undefined, asResp),
  "JSON.TYPE": (document, [path = "."]) => typeOfPlaces(targetIn(document, path)),
  "JSON.STRLEN": (document, [path = "."]) =>
    each(targetIn(document, path), "string", (text) => Buffer.byteLength(text)),
  "JSON.ARRLEN": (document, [path = "."]) => each(targetIn(document, path), "array", (items) => items.length),
  "JSON.OBJLEN": (document, [path = "."]) =>
    each(targetIn(document, path), "object", (object) => Object.keys(object).length),
  "JSON.OBJKEYS": (document, [path = "."]) =>
    each(targetIn(document, path), "object", (object) => Object.keys(object).map((name) => Buffer.from(name))),
  "JSON.ARRINDEX": (document, [path = ".", wanted, from = "0", to = "0"]) => {
    const text = JSON.stringify(parseJson(wanted));
    const range = { from: readInteger(from), to: readInteger(to) };
    return each(targetIn(document, path), "array", (items) => indexOf(items, text, range));
  },
};

/**
 * A reply for each match, null where it is not of the `type`. A legacy path has one reply, that of its first match.
 * @throws JsonError when a legacy path matches nothing, or its match is of another type.
 */
function each<Name extends JsonTypeName>(
  target: Target,
  type: Name | undefined,
  visit: (value: JsonTypes[Name]) => Reply,
): Reply {
  if (target.path.isLegacy) return visit(onlyPlace(target, type).value as JsonTypes[Name]);
  return find(target).map(({ value }) => (isOf(type, value) ? visit(value) : null));
}

/** The match of a legacy path. @throws JsonError as `each`. */
export function onlyPlace(target: Target, type?: JsonTypeName): Place {
  const [place] = find(target);
  if (place === undefined) throw new JsonError(`ERR Path '${target.path.text}' does not exist`);
  if (isOf(type, place.value)) return place;
  throw new JsonError(
    `WRONGTYPE wrong type of path value - expected ${type ?? "any"} but found ${typeNameOf(place.value)}`,
  );
}

/** "number" takes integers, too. */
export function isOf<Name extends JsonTypeName>(type: Name | undefined, value: Json): value is JsonTypes[Name] {
  const found = typeNameOf(value);
  return type === undefined || found === type || (type === "number" && found === "integer");
}

/** @throws JsonError for what is no integer. */
export function readInteger(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new JsonError("ERR value is not an integer or out of range");
  return Number(text);
}

/** One path gives its value, or its matches in an array; several give an object of these by path. */
function get(document: Json, args: readonly string[]): Reply {
  const { layout, paths } = layoutOf(args);
  const read = paths.map(readPath);
  const isLegacy = read.every((path) => path.isLegacy);
  const valueOf = (path: JsonPath): Json =>
    isLegacy ? onlyPlace({ document, path }).value : find({ document, path }).map(({ value }) => value);
  const [only, ...others] = read;
  const value =
    only !== undefined && others.length === 0
      ? valueOf(only)
      : Object.fromEntries(read.map((path) => [path.text, valueOf(path)]));
  return Buffer.from(formatJson(value, layout));
}

function layoutOf(args: readonly string[]): { layout: JsonLayout; paths: string[] } {
  const layout: JsonLayout = { indent: "", newline: "", space: "" };
  const paths: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    const option = word.toLowerCase();
    if (option === "indent" || option === "newline" || option === "space") layout[option] = args[++at] ?? "";
    else if (option !== "noescape") paths.push(word);
  }
  return { layout, paths: paths.length === 0 ? ["."] : paths };
}

/** Unlike the others it answers nil where a legacy path matches nothing. */
function typeOfPlaces(target: Target): Reply {
  const names = find(target).map(({ value }) => Buffer.from(typeNameOf(value)));
  return target.path.isLegacy ? (names[0] ?? null) : names;
}

/** Negative positions count from the end; a `to` of 0 is the end. */
function indexOf(items: readonly Json[], text: string, { from, to }: { from: number; to: number }): number {
  const start = from < 0 ? Math.max(0, items.length + from) : from;
  const end = to <= 0 ? items.length + to : Math.min(to, items.length);
  for (let at = start; at < end; at++) if (JSON.stringify(items[at]) === text) return at;
  return -1;
}

/** Containers are arrays whose first item says which bracket they had. */
function asResp(value: Json): Reply {
  if (value === null) return null;
  if (typeof value === "boolean") return new StatusReply(String(value));
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : Buffer.from(String(value));
  if (typeof value === "string") return Buffer.from(value);
  if (Array.isArray(value)) return [new StatusReply("["), ...value.map(asResp)];
  const members = Object.entries(value).flatMap(([name, member]) => [Buffer.from(name), asResp(member)]);
  return [new StatusReply("{"), ...members];
}
