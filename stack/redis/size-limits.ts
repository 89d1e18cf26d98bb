/** What Upstash refuses for its size, a request aside (read-body.ts). Source: docs, "Troubleshooting", ERR max key/member size exceeded. */
import type { CommandTable } from "./command-table.ts";
import { nameOf } from "./refusals.ts";
import { ErrorReply } from "./resp.ts";
import type { Arg, Command } from "./resp.ts";

const KEY_BYTES_MAX = 32 * 1024;
const MEMBER_BYTES_MAX = 32 * 1024;
/** UTF-8 has at most three bytes for each UTF-16 unit, so what is shorter than this is short enough. */
const SAFE_LENGTH_MAX = Math.floor(Math.min(KEY_BYTES_MAX, MEMBER_BYTES_MAX) / 3);

/** Everything but their keys is members, or too short to matter. */
const commandsWithMembers: ReadonlySet<string> = new Set(["SADD", "SMOVE", "ZADD", "ZINCRBY", "GEOADD"]);

/** The error for the first key or member that is too long, or undefined. */
export function sizeRefusal(command: Command, table: CommandTable): ErrorReply | undefined {
  if (command.every((arg) => arg.length <= SAFE_LENGTH_MAX)) return undefined;
  const longKey = table
    .keysOf(command)
    .map(bytesOf)
    .find((bytes) => bytes > KEY_BYTES_MAX);
  if (longKey !== undefined) return refused("key", KEY_BYTES_MAX, longKey);
  if (!commandsWithMembers.has(nameOf(command))) return undefined;
  const longMember = command.map(bytesOf).find((bytes) => bytes > MEMBER_BYTES_MAX);
  return longMember === undefined ? undefined : refused("member", MEMBER_BYTES_MAX, longMember);
}

function bytesOf(arg: Arg): number {
  return typeof arg === "string" ? Buffer.byteLength(arg) : arg.length;
}

function refused(what: string, bytesMax: number, bytes: number): ErrorReply {
  return new ErrorReply(`ERR max ${what} size exceeded. Limit: ${bytesMax} bytes, Actual: ${bytes} bytes`);
}
