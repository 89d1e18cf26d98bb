import type { Send } from "./backend.ts";
import { readLibraryList } from "./library-text.ts";
import { ErrorReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import type { ScriptCall } from "./scripts.ts";

export interface ScriptReader {
  send: Send;
  bill(command: Command): void;
}

/** The reply as production would have written it, from that of the text that ran in place of the client's; bills each call that it made. */
export function readScriptReply(call: ScriptCall, reply: Reply, reader: ScriptReader): Reply | Promise<Reply> {
  if (reply instanceof ErrorReply) return readError(call, reply, reader.send);
  if (call.answer === "loaded") return Buffer.from(call.script?.sha1 ?? "");
  if (call.answer === "libraries") return readLibraryList(reply);
  if (call.answer === "plain" || !Array.isArray(reply) || !Array.isArray(reply[0])) return reply;
  const [calls, result] = reply;
  for (let index = 0; index + 1 < calls.length; index += 2) {
    reader.bill([String(calls[index]), String(calls[index + 1])]);
  }
  return result ?? null;
}

/**
 * A script that does not compile is told so in terms of the client's text, not of ours; compiling has no effect, so we may ask again.
 * A forgotten script is told of in the words of Redis 7, which Upstash has kept and Valkey has not.
 */
async function readError({ script, instead }: ScriptCall, ours: ErrorReply, send: Send): Promise<Reply> {
  if (ours.text.startsWith("NOSCRIPT")) return new ErrorReply("NOSCRIPT No matching script. Please use EVAL.");
  if (instead !== undefined && ours.text.includes("script with write flag")) {
    const [reply = null] = await send([instead]);
    return reply instanceof ErrorReply && reply.text.includes("Function not found") ? ours : reply;
  }
  if (script === undefined || !ours.text.startsWith("ERR Error compiling script")) return ours;
  const [theirs] = await send([["SCRIPT", "LOAD", script.text]]);
  return theirs instanceof ErrorReply ? theirs : ours;
}
