/**
 * JSONPath as the JSON commands have it, over a library for RFC 9535. Two things are not in the RFC:
 *
 * - A legacy path, one that does not begin with `$`: it means its first match, and not having one is an error.
 * - The order of `..`: Upstash answers with what is deeper first. Source: the SDK's tests of JSON.GET and JSON.MGET.
 */
import { compile, JSONPathError, JSONPathQuery } from "json-p3";
import type { JSONPathNode } from "json-p3";
import { isObject, JsonError, setMember } from "./json-value.ts";
import type { Json, JsonObject } from "./json-value.ts";

export interface JsonPath {
  /** As the client wrote it. */
  text: string;
  isLegacy: boolean;
  query: JSONPathQuery;
}

/** What a command is about: a path, and the document to follow it in. */
export interface Target {
  document: Json;
  path: JsonPath;
}

/** A value in a document and where it stands; the root's location is empty. */
export interface Place {
  location: readonly (string | number)[];
  value: Json;
}

/** @throws JsonError for what is no path. */
export function targetIn(document: Json, path: string): Target {
  return { document, path: readPath(path) };
}

/** @throws JsonError for what is no path. */
export function readPath(text: string): JsonPath {
  const isLegacy = !text.startsWith("$");
  try {
    return { text, isLegacy, query: compile(isLegacy ? fromLegacy(text) : text) };
  } catch (cause) {
    if (!(cause instanceof JSONPathError)) throw cause;
    throw new JsonError(`ERR the path '${text}' is not JSONPath: ${cause.message}`);
  }
}

function fromLegacy(text: string): string {
  if (text === ".") return "$";
  return text.startsWith(".") || text.startsWith("[") ? `$${text}` : `$.${text}`;
}

/** Every match, the deepest first where the path has `..`. */
export function find({ path, document }: Target): Place[] {
  const nodes = path.query.query(document).nodes;
  const ordered = path.text.includes("..") ? deepestFirst(nodes) : nodes;
  return ordered.map(({ location, value }) => ({ location, value: value as Json }));
}

/** The library visits a parent before its children; what is found in a parent moves behind what is found below it. */
function deepestFirst(nodes: readonly JSONPathNode[]): JSONPathNode[] {
  const ranks = new Map(nodes.map((node, rank) => [node, rank]));
  return nodes.toSorted((one, other) => {
    if (isAbove(one, other)) return 1;
    if (isAbove(other, one)) return -1;
    return (ranks.get(one) ?? 0) - (ranks.get(other) ?? 0);
  });
}

/** Whether the parent of `one` contains the parent of `other`. */
function isAbove(one: JSONPathNode, other: JSONPathNode): boolean {
  const depth = one.location.length - 1;
  return (
    depth < other.location.length - 1 &&
    one.location.slice(0, depth).every((step, index) => other.location[index] === step)
  );
}

/** The objects that a path would add a new member to, and that member's name; undefined if it does not end in a name. */
export function findParents({ path, document }: Target): { parents: JsonObject[]; name: string } | undefined {
  const { environment, segments } = path.query;
  const [selector, ...others] = segments.at(-1)?.selectors ?? [];
  if (selector === undefined || others.length > 0 || !("name" in selector)) return undefined;
  const parents = new JSONPathQuery(environment, segments.slice(0, -1)).query(document).values() as Json[];
  return { parents: parents.filter(isObject), name: String(selector.name) };
}

/** The document with another value at `location`; it is changed in place, except at the root. */
export function replaceAt(document: Json, location: Place["location"], value: Json): Json {
  const last = location.at(-1);
  if (last === undefined) return value;
  const parent = at(document, location.slice(0, -1));
  if (Array.isArray(parent)) parent[Number(last)] = value;
  else if (parent !== undefined && isObject(parent)) setMember(parent, String(last), value);
  return document;
}

/** Takes a value out of its parent, in place. The root has no parent: the caller deletes the key. */
export function removeAt(document: Json, location: Place["location"]): void {
  const last = location.at(-1);
  const parent = at(document, location.slice(0, -1));
  if (last === undefined || parent === undefined) return;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent)) delete parent[String(last)];
}

function at(document: Json, location: Place["location"]): Json | undefined {
  let value: Json | undefined = document;
  for (const step of location) {
    if (Array.isArray(value)) value = value[Number(step)];
    else if (value !== undefined && isObject(value) && Object.hasOwn(value, step)) value = value[String(step)];
    else return undefined;
  }
  return value;
}
