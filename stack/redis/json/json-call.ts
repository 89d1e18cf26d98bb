/**
 * The JSON commands of RedisJSON, which Valkey does not have: the document is read, changed here and written back.
 *
 * 1. A document is one field of a hash, with a name that nobody else uses. So expiry, DEL, COPY, RENAME, DUMP and WRONGTYPE for GET are
 *    those of Redis itself. Hash commands see the field; production refuses them on JSON.
 * 2. Between reading and writing nobody else may write: the caller runs this alone (turnstile.ts). A second writer who reaches
 *    Redis in another way could be overwritten.
 * 3. A command that fails has changed nothing.
 *
 * Numbers are doubles: an integer beyond 2^53 loses digits, and `1.0` comes back as `1`.
 */
import type { Send } from "../backend.ts";
import { nameOf } from "../refusals.ts";
import { ErrorReply, StatusReply } from "../resp.ts";
import type { Arg, Command, Reply } from "../resp.ts";
import { find, targetIn } from "./json-path.ts";
import { jsonReads } from "./json-reads.ts";
import { JsonError } from "./json-value.ts";
import type { Json } from "./json-value.ts";
import { jsonWrites } from "./json-writes.ts";

/** How many arguments each command has at least, its name included. */
const argCountMin: Record<string, number> = {
  "JSON.GET": 2,
  "JSON.MGET": 3,
  "JSON.RESP": 2,
  "JSON.TYPE": 2,
  "JSON.STRLEN": 2,
  "JSON.ARRLEN": 2,
  "JSON.OBJLEN": 2,
  "JSON.OBJKEYS": 2,
  "JSON.ARRINDEX": 4,
  "JSON.SET": 4,
  "JSON.MSET": 4,
  "JSON.MERGE": 4,
  "JSON.DEL": 2,
  "JSON.FORGET": 2,
  "JSON.CLEAR": 2,
  "JSON.TOGGLE": 3,
  "JSON.NUMINCRBY": 4,
  "JSON.NUMMULTBY": 4,
  "JSON.STRAPPEND": 3,
  "JSON.ARRAPPEND": 4,
  "JSON.ARRINSERT": 5,
  "JSON.ARRPOP": 2,
  "JSON.ARRTRIM": 5,
};

export function isJsonCommand(name: string): boolean {
  return Object.hasOwn(argCountMin, name);
}

export function isJsonRead(name: string): boolean {
  return name === "JSON.MGET" || Object.hasOwn(jsonReads, name);
}

/** What Redis says before it runs anything, so that a transaction with such a command is discarded. */
export function jsonArityError(command: Command): ErrorReply | undefined {
  const name = nameOf(command);
  const isShort = command.length < (argCountMin[name] ?? 0);
  const isUneven = name === "JSON.MSET" && command.length % 3 !== 1;
  if (!isShort && !isUneven) return undefined;
  return new ErrorReply(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
}

/** Whoever calls is alone with Redis; `send` is its way there. */
export async function runJson(command: Command, send: Send): Promise<Reply> {
  try {
    return await run(command, send);
  } catch (cause) {
    if (cause instanceof JsonError) return cause.reply;
    throw cause;
  }
}

async function run(command: Command, send: Send): Promise<Reply> {
  const name = nameOf(command);
  const [key = "", ...args] = command.slice(1);
  if (name === "JSON.MGET") return readMany([key, ...args.slice(0, -1)], String(args.at(-1)), send);
  if (name === "JSON.MSET") return setMany(command.slice(1), send);
  const document = await load(key, send);
  const read = jsonReads[name];
  if (read !== undefined) return document === undefined ? null : read(document, args.map(String));
  const write = jsonWrites[name];
  if (write === undefined) throw new Error(`${name} is no JSON command`);
  const outcome = write(document, args.map(String));
  await store(key, outcome.document, send);
  return outcome.reply;
}

/** A key without a document, or without a match for a legacy path, answers nil. */
async function readMany(keys: readonly Arg[], path: string, send: Send): Promise<Reply> {
  const replies: Reply[] = [];
  for (const key of keys) {
    const document = await load(key, send).catch(unlessWrongType);
    const target = document === undefined ? undefined : targetIn(document, path);
    const values = target === undefined ? undefined : find(target).map(({ value }) => value);
    const result = target?.path.isLegacy === true ? values?.[0] : values;
    replies.push(result === undefined ? null : Buffer.from(JSON.stringify(result)));
  }
  return replies;
}

function unlessWrongType(cause: unknown): undefined {
  if (!(cause instanceof JsonError)) throw cause;
}

/** All or none: everything is computed before anything is written. A key may come twice, and is then set twice. */
async function setMany(triplets: readonly Arg[], send: Send): Promise<Reply> {
  const documents = new Map<string, { key: Arg; document: Json | undefined }>();
  const set = jsonWrites["JSON.SET"];
  for (let at = 0; at + 2 < triplets.length; at += 3) {
    const [key = "", path = "", value = ""] = triplets.slice(at, at + 3);
    const id = Buffer.from(key).toString("latin1");
    const known = documents.get(id) ?? { key, document: await load(key, send) };
    const outcome = set?.(known.document, [String(path), String(value)]);
    documents.set(id, { key, document: outcome?.document });
  }
  for (const { key, document } of documents.values()) await store(key, document, send);
  return new StatusReply("OK");
}

/** The field of the hash. It begins with a byte that no name typed by a person begins with. */
const JSON_FIELD = "\u0000json";

/** @throws JsonError when something else is stored there. */
async function load(key: Arg, send: Send): Promise<Json | undefined> {
  const [text = null, exists] = await send([
    ["HGET", key, JSON_FIELD],
    ["EXISTS", key],
  ]);
  if (Buffer.isBuffer(text)) return JSON.parse(text.toString()) as Json;
  if (text instanceof ErrorReply) throw new JsonError(text.text);
  if (exists === 0) return undefined;
  throw new JsonError("WRONGTYPE Operation against a key holding the wrong kind of value");
}

async function store(key: Arg, document: Json | undefined, send: Send): Promise<void> {
  const [reply] = await send([
    document === undefined ? ["DEL", key] : ["HSET", key, JSON_FIELD, JSON.stringify(document)],
  ]);
  if (reply instanceof ErrorReply) throw new JsonError(reply.text);
}

/** Which of these keys hold a document. */
export async function areDocuments(keys: readonly Arg[], send: Send): Promise<boolean[]> {
  const replies = await send(keys.map((key) => ["HEXISTS", key, JSON_FIELD]));
  return replies.map((reply) => reply === 1);
}
