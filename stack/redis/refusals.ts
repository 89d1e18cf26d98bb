import { ErrorReply } from "./resp.ts";
import type { Arg, Command } from "./resp.ts";

/**
 * What cannot be done over REST, for one of three reasons: it waits (and would hold up everyone on the shared connection), it changes
 * the state of a connection (that others use too), or it administrates the server (which is ours).
 * Source: https://upstash.com/docs/redis/features/restapi, "Connection management" and "Blocking commands".
 */
const refused: ReadonlySet<string> = new Set(
  [
    "BLPOP BRPOP BLMOVE BRPOPLPUSH BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF MIGRATE",
    "MULTI EXEC DISCARD WATCH UNWATCH",
    "SELECT SWAPDB AUTH HELLO RESET QUIT CLIENT READONLY READWRITE ASKING",
    "SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE MONITOR",
    "SHUTDOWN DEBUG CONFIG MODULE CLUSTER REPLICAOF SLAVEOF FAILOVER SYNC PSYNC REPLCONF ROLE",
    "SAVE BGSAVE BGREWRITEAOF PFDEBUG PFSELFTEST",
  ].flatMap((line) => line.split(" ")),
);

/** The error to answer with, or undefined if Redis may see the command. */
export function refusalOf(command: Command): ErrorReply | undefined {
  const name = nameOf(command);
  if (name === "ACL") {
    return new ErrorReply(
      "ERR ACL is not in the local stack: it has one user, and a read-only token beside the standard one.",
    );
  }
  if (refused.has(name) || (name === "SCRIPT" && upper(command[1]) === "DEBUG")) {
    return new ErrorReply(
      `ERR Command is not available: '${name}'. The REST API has no blocking, connection or server commands.`,
    );
  }
  if ((name === "XREAD" || name === "XREADGROUP") && isBlocking(command)) {
    return new ErrorReply(`ERR ${name} with BLOCK is not available over the REST API`);
  }
  return undefined;
}

/** Source: the commands of @upstash/redis 1.39. */
const arrayCommands: ReadonlySet<string> = new Set(
  [
    "ARCOUNT ARDEL ARDELRANGE ARGET ARGETRANGE ARGREP ARINFO ARINSERT ARLASTITEMS ARLEN",
    "ARMGET ARMSET ARNEXT AROP ARRING ARSCAN ARSEEK ARSET",
  ].flatMap((line) => line.split(" ")),
);

/** Commands that Upstash has and nothing here stands in for; asked only about those that Redis does not know. */
export function notInStack(name: string): ErrorReply | undefined {
  const isUpstashs = name.startsWith("SEARCH.") || name.startsWith("VECTOR.") || arrayCommands.has(name);
  if (!isUpstashs) return undefined;
  return new ErrorReply(
    `ERR ${name} is not in the local stack. Upstash has it, Valkey does not, and nothing stands in for it.`,
  );
}

/** These are answered with a stream of events (event-stream.ts), and refused everywhere else. */
export function isStreamCommand(command: Command): boolean {
  return ["SUBSCRIBE", "PSUBSCRIBE", "MONITOR"].includes(nameOf(command));
}

/** In upper case, as all tables here have it. */
export function nameOf(command: Command): string {
  return upper(command[0]);
}

export function upper(arg: Arg | undefined): string {
  return String(arg ?? "").toUpperCase();
}

/** BLOCK counts only before STREAMS: after it, it would be the name of a stream. */
function isBlocking(command: Command): boolean {
  const words = command.map(upper);
  const block = words.indexOf("BLOCK", 1);
  const streams = words.indexOf("STREAMS", 1);
  return block > 0 && (streams < 0 || block < streams);
}
