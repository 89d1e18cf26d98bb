/** Where Upstash answers differently from Redis: what is sent in place of a command, and how its reply is read. */
import type { Send } from "./backend.ts";
import { emulate } from "./emulated.ts";
import { areDocuments } from "./json/json-call.ts";
import { nameOf, upper } from "./refusals.ts";
import { ErrorReply, StatusReply } from "./resp.ts";
import type { Arg, Command, Reply } from "./resp.ts";

export interface Prepared {
  command: Command;
  /** May ask Redis again, so it runs after the replies of all commands are there. Absent: the reply is what it is. */
  read?(reply: Reply, send: Send): Reply | Promise<Reply>;
}

export function adapt(command: Command): Prepared {
  switch (nameOf(command)) {
    case "SCAN":
      return prepareScan(command);
    case "TYPE":
      return { command, read: (reply, send) => readType(command[1], reply, send) };
    case "COPY":
      return { command, read: readCopy };
    case "XADD":
    case "XTRIM":
      return { command: withExactTrim(command) };
    default: {
      const emulated = emulate(command);
      return emulated === undefined ? { command } : { command: emulated, read: withoutScriptPlace };
    }
  }
}

/** Types of keys that only Upstash has; no key of ours has one of them. */
const foreignTypes: ReadonlySet<string> = new Set(["SEARCH", "VECTOR", "ARRAY"]);

/** `WITHTYPE` is Upstash's own: the keys come back as key, type, key, type. And `TYPE json` finds documents, `TYPE hash` does not. */
function prepareScan(command: Command): Prepared {
  const [name, ...args] = command;
  const kept = args.filter((arg) => upper(arg) !== "WITHTYPE");
  const hasTypes = kept.length < args.length;
  const typeAt = kept.findIndex((arg) => upper(arg) === "TYPE") + 1;
  const type = typeAt > 0 ? upper(kept[typeAt]) : "";
  // Something has to be sent, so that replies and commands stay in step.
  if (foreignTypes.has(type)) return { command: ["PING"], read: () => [Buffer.from("0"), []] };
  if (type === "JSON") kept[typeAt] = "hash";
  const scan: Command = [name, ...kept];
  if (type !== "JSON" && type !== "HASH" && !hasTypes) return { command: scan };
  return {
    command: scan,
    async read(reply, send) {
      if (!Array.isArray(reply) || !Array.isArray(reply[1])) return reply;
      const found = await typesOf(reply[1], send);
      const wanted = type === "" ? found : found.filter((entry) => entry.type.toUpperCase() === type);
      const listed = wanted.flatMap((entry) => (hasTypes ? [entry.key, Buffer.from(entry.type)] : [entry.key]));
      return [reply[0] ?? null, listed];
    },
  };
}

async function typesOf(keys: readonly Reply[], send: Send): Promise<{ key: Buffer; type: string }[]> {
  const names = keys.filter((key) => Buffer.isBuffer(key));
  const types = await send(names.map((key) => ["TYPE", key]));
  const isDocument = await areDocuments(names, send);
  return names.map((key, index) => {
    const type = types[index];
    return { key, type: isDocument[index] === true ? "json" : type instanceof StatusReply ? type.text : "none" };
  });
}

/** A document is a hash that Upstash does not show as one. */
async function readType(key: Arg | undefined, reply: Reply, send: Send): Promise<Reply> {
  if (key === undefined || !(reply instanceof StatusReply) || reply.text !== "hash") return reply;
  const [isDocument] = await areDocuments([key], send);
  return isDocument === true ? new StatusReply("json") : reply;
}

/** Upstash answers 0 where Redis has an error. Source: the SDK's own test of COPY. */
function readCopy(reply: Reply): Reply {
  return reply instanceof ErrorReply && reply.text.includes("objects are the same") ? 0 : reply;
}

/** `~` trims exactly, except with a LIMIT, which Redis takes only with `~`. Source: the SDK's own test of XTRIM. */
function withExactTrim(command: Command): Command {
  const at = upper(command[2]) === "NOMKSTREAM" ? 3 : 2;
  const isApproximate = ["MAXLEN", "MINID"].includes(upper(command[at])) && String(command[at + 1]) === "~";
  if (!isApproximate || upper(command[at + 3]) === "LIMIT") return command;
  const [name, ...args] = command;
  return [name, ...args.with(at, "=")];
}

/** An emulation is a script, but its caller does not know; where in the script an error arose means nothing to them. */
function withoutScriptPlace(reply: Reply): Reply {
  if (!(reply instanceof ErrorReply)) return reply;
  return new ErrorReply(reply.text.replace(/ script: (?:[0-9a-f]{40}, )?on @user_script:\d+\.$/, ""));
}
