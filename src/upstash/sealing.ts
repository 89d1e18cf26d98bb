/**
 * Which texts of a command are sealed, and what they are bound to.
 *
 * Numbers stay in clear, and so does what Redis or a script has to understand: keys, fields, members of sorted sets, and the first four words of an entry of
 * a list of events or a journal. Everything else that a string, hash or list holds, and what is published, is sealed unless `keys.ts` says that the key
 * holds nothing of anybody's. On the way back a number is taken as it is only where `keys.ts` says that numbers stand there: anywhere else it is a text in clear.
 */
import { invariant } from "../core/ports.ts";
import type { RedisArgument } from "./batch.ts";
import { boundTo, contentOf, holdsNumber } from "./keys.ts";
import type { Script } from "./script.ts";
import { isSealed, placeOf, type Vault } from "./vault.ts";

/** Where a script finds or puts a text. */
export interface ScriptPlace {
  /** Index of the key that it is bound to. */
  readonly key: number;
  /** The field, where it is in a hash: its name, or the index of the argument that names it. */
  readonly field?: number | string;
}

/** Arguments of a script that are texts of users. */
export interface SealedArguments extends ScriptPlace {
  /** Index among the arguments, from 0; `last` is the same without it. */
  readonly first: number;
  readonly last?: number;
  /** The script recognises by it what it has written already; see `Vault.sealAlike`. */
  readonly isAlike?: true;
}

interface ScriptRun {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly RedisArgument[];
}

/** The command as it travels. */
export async function sealCommand(vault: Vault, command: readonly RedisArgument[]): Promise<readonly RedisArgument[]> {
  const [name, key] = command;
  if (typeof key !== "string" || contentOf(key) === "clear") return command;
  const sealWhere = (isText: (index: number) => boolean, place: (index: number) => string) =>
    Promise.all(
      command.map(async (value, index) =>
        isText(index) && typeof value === "string" ? vault.seal(value, place(index)) : value,
      ),
    );
  switch (name) {
    case "SET":
      return sealWhere(
        (index) => index === 2,
        () => key,
      );
    case "PUBLISH":
      return sealWhere(
        (index) => index === 2,
        () => channelPlace(key),
      );
    case "RPUSH":
    case "RPUSHX":
    case "LPUSH":
      return Promise.all(command.map(async (value, index) => (index < 2 ? value : sealItem(vault, key, value))));
    case "HSET":
    case "HSETNX":
      return sealWhere(
        (index) => index >= 3 && index % 2 === 1,
        (index) => placeOf(key, String(command[index - 1])),
      );
    default:
      return command;
  }
}

/** The arguments of a script, keys first, as they travel. */
export function sealScript(vault: Vault, { script, keys, args }: ScriptRun): Promise<RedisArgument[]> {
  return Promise.all(
    args.map(async (value, index) => {
      const seal = script.sealed.find(({ first, last = first }) => index >= first && index <= last);
      // An empty argument tells a script that there is nothing.
      if (seal === undefined || typeof value !== "string" || value === "") return value;
      const place = placeOfArgument(seal, keys, args);
      return seal.isAlike === true ? vault.sealAlike(value, place) : vault.seal(value, place);
    }),
  );
}

/** A word of a script's own, such as "claimed": no object of JSON and no sealed text begins like one. */
const scriptWord = /^[a-z]/;

/** What a script answers holds a text only where it says so. @throws sealed_unreadable (park) */
export async function openScriptReply(
  vault: Vault,
  { script, keys, args }: ScriptRun,
  reply: unknown,
): Promise<unknown> {
  const { answersText } = script;
  if (answersText === undefined) return reply;
  const openOne = async (value: unknown): Promise<unknown> =>
    typeof value !== "string" || scriptWord.test(value)
      ? value
      : vault.open(value, placeOfArgument(answersText, keys, args));
  return Array.isArray(reply) ? Promise.all(reply.map(openOne)) : openOne(reply);
}

/** The reply as the reader expects it. @throws sealed_unreadable (park); internal (park) for a command that is no way to read sealed texts. */
export async function openReply(vault: Vault, command: readonly RedisArgument[], reply: unknown): Promise<unknown> {
  const [name, key, ...fields] = command;
  if (typeof key !== "string" || contentOf(key) === "clear") return reply;
  switch (name) {
    case "GET":
    case "GETEX":
    case "GETDEL":
      return openText(vault, reply, key);
    case "MGET":
      return openEach(reply, (value, index) => openText(vault, value, String(command[index + 1])));
    case "LINDEX":
    case "LPOP":
    case "RPOP":
    case "LRANGE":
      return Array.isArray(reply) ? openEach(reply, (item) => openItem(vault, key, item)) : openItem(vault, key, reply);
    case "HGET":
      return openText(vault, reply, key, String(fields[0]));
    case "HMGET":
      return openEach(reply, (value, index) => openText(vault, value, key, String(fields[index])));
    case "HGETALL":
      return openEach(reply, async (value, index, all) =>
        index % 2 === 0 ? value : openText(vault, value, key, String(all[index - 1])),
      );
    default:
      invariant(!holdsSealed(reply), `${String(name)} is no way to read sealed texts`);
      return reply;
  }
}

/**
 * What was published on a channel, as JSON. Scripts publish entries as they stand in the list: then each of them is sealed, and not the whole.
 * @throws sealed_unreadable (park)
 */
export async function openPublished(
  vault: Vault,
  channel: string,
  payload: string,
): Promise<{ readonly text: string; readonly openEntry: (entry: string) => Promise<string> }> {
  if (!isSealed(payload)) return { text: payload, openEntry: (entry) => openEntry(vault, channel, entry) };
  return { text: await vault.open(payload, channelPlace(channel)), openEntry: async (entry) => entry };
}

/** An entry of a list of events or a journal. @throws sealed_unreadable (park) */
async function openEntry(vault: Vault, key: string, entry: string): Promise<string> {
  const at = headerEnd(entry);
  return entry.slice(0, at) + (await vault.open(entry.slice(at), boundTo(key)));
}

async function sealItem(vault: Vault, key: string, value: RedisArgument): Promise<RedisArgument> {
  if (typeof value !== "string") return value;
  const at = contentOf(key) === "entry" ? headerEnd(value) : 0;
  return value.slice(0, at) + (await vault.seal(value.slice(at), boundTo(key)));
}

async function openItem(vault: Vault, key: string, item: unknown): Promise<unknown> {
  return typeof item === "string" && contentOf(key) === "entry"
    ? openEntry(vault, key, item)
    : openText(vault, item, key);
}

/** Nothing is nothing, and numbers were never sealed. */
async function openText(vault: Vault, value: unknown, key: string, field?: string): Promise<unknown> {
  if (typeof value !== "string" || value === "" || contentOf(key) === "clear") return value;
  return /^\d+$/.test(value) && holdsNumber(key, field) ? value : vault.open(value, placeOf(key, field));
}

async function openEach(
  reply: unknown,
  open: (item: unknown, index: number, all: readonly unknown[]) => Promise<unknown>,
): Promise<unknown> {
  return Array.isArray(reply) ? Promise.all(reply.map(open)) : reply;
}

function holdsSealed(reply: unknown): boolean {
  return Array.isArray(reply) ? reply.some(holdsSealed) : typeof reply === "string" && isSealed(reply);
}

/** Where the JSON of an entry begins: behind four words. */
function headerEnd(entry: string): number {
  let at = 0;
  for (let word = 0; word < 4; word += 1) {
    at = entry.indexOf(" ", at) + 1;
    if (at === 0) return 0;
  }
  return at;
}

function placeOfArgument({ key, field }: ScriptPlace, keys: readonly string[], args: readonly RedisArgument[]): string {
  return placeOf(keys[key]!, typeof field === "number" ? String(args[field]) : field);
}

/** A channel is named like a key, but what is said there is no value of it. */
function channelPlace(channel: string): string {
  return placeOf(channel, "published");
}
