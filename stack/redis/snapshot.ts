/**
 * Everything that a Redis holds, as a file of Redis commands that bring it back: `FUNCTION RESTORE` for the functions, a
 * `RESTORE` with an absolute expiry for each key. Any Redis that reads the format of DUMP takes it (`redis-cli --pipe`).
 */
import { encodeCommands, ErrorReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import { RespParser } from "./resp-parser.ts";

/** Sends commands and has their replies before it returns. @throws Error when Redis is gone. */
export type Exchange = (commands: readonly Command[]) => Reply[];

/** Stand at the beginning and at the end: what lacks one of them is no whole snapshot. */
const first: Command = ["ECHO", "skipstone redis snapshot 1"];
const last: Command = ["ECHO", "end of snapshot"];

/** Keys that are dumped at once: few, because their values are all in memory twice. */
const batchCount = 128;

/** Of one moment, because nothing else runs while it is taken. The bill is not ours to write: it passes by the REST front. */
export function takeSnapshot(exchange: Exchange): Buffer {
  const parts: Command[] = [first];
  const [functions = null] = exchange([["FUNCTION", "DUMP"]]);
  if (Buffer.isBuffer(functions)) parts.push(["FUNCTION", "RESTORE", functions, "REPLACE"]);
  for (const keys of batches(keysOf(exchange))) {
    const replies = exchange(
      keys.flatMap((key): Command[] => [
        ["PEXPIRETIME", key],
        ["DUMP", key],
      ]),
    );
    for (const [index, key] of keys.entries()) {
      const expiresAtMs = Number(replies[index * 2]);
      const value = replies[index * 2 + 1];
      // A key may expire while it is read.
      if (!Buffer.isBuffer(value)) continue;
      parts.push(["RESTORE", key, String(Math.max(0, expiresAtMs)), value, "ABSTTL", "REPLACE"]);
    }
  }
  return encodeCommands([...parts, last]);
}

/**
 * Brings an empty Redis to the state of the snapshot; keys that have expired since stay away.
 * @throws Error in words when the bytes are no whole snapshot or Redis refuses a part; then Redis is empty again.
 */
export function restoreSnapshot(exchange: Exchange, bytes: Buffer): void {
  const commands = readCommands(bytes);
  try {
    for (const batch of batches(commands)) {
      const refused = exchange(batch).find((reply) => reply instanceof ErrorReply);
      if (refused !== undefined) throw new Error(refused.text);
    }
  } catch (cause) {
    exchange([["FLUSHALL"], ["FUNCTION", "FLUSH"]]);
    throw cause;
  }
}

function readCommands(bytes: Buffer): Command[] {
  const commands: Command[] = [];
  const parser = new RespParser((reply) => commands.push(toCommand(reply)));
  parser.push(bytes);
  if (!isSame(commands[0], first) || !isSame(commands.at(-1), last)) throw new Error("it is no whole snapshot");
  return commands;
}

function toCommand(reply: Reply): Command {
  const [name, ...args] = Array.isArray(reply) ? reply.filter((arg) => Buffer.isBuffer(arg)) : [];
  if (name === undefined) throw new Error("it holds something other than commands");
  return [name, ...args];
}

function isSame(command: Command | undefined, other: Command): boolean {
  return command?.map(String).join(" ") === other.join(" ");
}

/** A key that comes twice is dumped twice, to the same effect. */
function keysOf(exchange: Exchange): Buffer[] {
  const keys: Buffer[] = [];
  let cursor = "0";
  do {
    const [reply] = exchange([["SCAN", cursor, "COUNT", "1000"]]);
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error("SCAN was not answered");
    cursor = String(reply[0]);
    keys.push(...reply[1].filter((key) => Buffer.isBuffer(key)));
  } while (cursor !== "0");
  return keys;
}

function* batches<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let start = 0; start < items.length; start += batchCount) yield items.slice(start, start + batchCount);
}
