/**
 * One command of a client becomes one command for Redis and a way to read its reply.
 *
 * Here is everything in which Upstash differs from Redis: scripts (script-text.ts), `SCAN … WITHTYPE`, and `COPY` onto itself. And here each
 * command is billed: once for itself, and once for each call that a script made.
 */
import type { Ledger } from "../ledger.ts";
import type { Backend } from "./backend.ts";
import type { CommandTable } from "./command-table.ts";
import { nameOf, refusalOf, upper } from "./refusals.ts";
import { ErrorReply, StatusReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import type { ScriptBook, ScriptCall } from "./scripts.ts";

export interface Executor {
  /** Replies in order; a refused command is answered in its place, the others run. */
  pipeline(commands: readonly Command[], mayWrite: boolean): Promise<Reply[]>;
  /** All or nothing: an error reply means that nothing ran. */
  transaction(commands: readonly Command[], mayWrite: boolean): Promise<Reply[] | ErrorReply>;
  /** The error with which a command is refused before Redis sees it. */
  refusal(command: Command, mayWrite: boolean): ErrorReply | undefined;
  bill(command: Command): void;
}

export interface ExecutorParts {
  backend: Backend;
  table: CommandTable;
  scripts: ScriptBook;
  ledger: Ledger;
}

interface Prepared {
  command: Command;
  /** May ask Redis again, so it runs after the replies of all commands are there. */
  read(reply: Reply): Reply | Promise<Reply>;
}

export function createExecutor({ backend, table, scripts, ledger }: ExecutorParts): Executor {
  function refusal(command: Command, mayWrite: boolean): ErrorReply | undefined {
    const refused = refusalOf(command);
    if (refused !== undefined || mayWrite || table.isReadOnly(command)) return refused;
    return new ErrorReply(
      `NOPERM this user has no permissions to run the '${String(command[0]).toLowerCase()}' command`,
    );
  }

  function bill(command: Command): void {
    const name = nameOf(command);
    // Names come from outside; only the ones that exist may take room in the ledger.
    if (table.isKnown(name)) ledger.command(name, table.keyOf(command));
  }

  function prepare(command: Command): Prepared {
    bill(command);
    const call = scripts.translate(command);
    if (call !== undefined) return { command: call.command, read: (reply) => readScriptReply(call, reply) };
    if (nameOf(command) === "SCAN") return prepareScan(command, backend);
    if (nameOf(command) === "COPY") return { command, read: readCopyReply };
    return { command, read: (reply) => reply };
  }

  function readScriptReply(call: ScriptCall, reply: Reply): Reply | Promise<Reply> {
    if (reply instanceof ErrorReply) return call.script === undefined ? reply : originalError(call.script.text, reply);
    if (call.answer === "loaded") return Buffer.from(call.script?.sha1 ?? "");
    if (call.answer === "plain" || !Array.isArray(reply) || !Array.isArray(reply[0])) return reply;
    const [calls, result] = reply;
    for (let index = 0; index + 1 < calls.length; index += 2) {
      bill([String(calls[index]), String(calls[index + 1])]);
    }
    return result ?? null;
  }

  /** A script that does not compile is told so in terms of the client's text, not of ours. Compiling has no effect, so we may ask again. */
  async function originalError(text: string, ours: ErrorReply): Promise<Reply> {
    if (!ours.text.startsWith("ERR Error compiling script")) return ours;
    const [theirs] = await backend.send([["SCRIPT", "LOAD", text]]);
    return theirs instanceof ErrorReply ? theirs : ours;
  }

  return {
    refusal,
    bill,
    async pipeline(commands, mayWrite) {
      const plan = commands.map((command) => refusal(command, mayWrite) ?? prepare(command));
      const sent = plan.filter((step): step is Prepared => !(step instanceof ErrorReply));
      const replies = await backend.send(sent.map((step) => step.command));
      return readAll(plan, replies);
    },
    async transaction(commands, mayWrite) {
      for (const command of commands) {
        const refused = refusal(command, mayWrite);
        if (refused !== undefined) return refused;
      }
      const plan = commands.map(prepare);
      const executed = await backend.transact(plan.map((step) => step.command));
      if (executed instanceof ErrorReply) return executed;
      if (!Array.isArray(executed)) return new ErrorReply("EXECABORT Transaction discarded");
      return readAll(plan, executed);
    },
  };
}

/** Refused commands keep their errors; the others take the replies in order. */
async function readAll(plan: readonly (Prepared | ErrorReply)[], replies: readonly Reply[]): Promise<Reply[]> {
  const results: Reply[] = [];
  let index = 0;
  for (const step of plan) results.push(step instanceof ErrorReply ? step : await step.read(replies[index++] ?? null));
  return results;
}

/** `WITHTYPE` is Upstash's own: the keys come back as key, type, key, type. */
function prepareScan(command: Command, backend: Backend): Prepared {
  const [name, ...args] = command;
  const kept = args.filter((arg) => upper(arg) !== "WITHTYPE");
  if (kept.length === args.length) return { command, read: (reply) => reply };
  return {
    command: [name, ...kept],
    async read(reply) {
      const keys = Array.isArray(reply) ? reply[1] : undefined;
      if (!Array.isArray(reply) || !Array.isArray(keys)) return reply;
      const types = await backend.send(keys.map((key) => ["TYPE", Buffer.isBuffer(key) ? key : String(key)]));
      return [reply[0] ?? null, keys.flatMap((key, index) => [key, typeName(types[index])])];
    },
  };
}

function typeName(reply: Reply | undefined): Reply {
  return Buffer.from(reply instanceof StatusReply ? reply.text : "none");
}

/** Upstash answers 0 where Redis has an error. Source: the SDK's own test of COPY. */
function readCopyReply(reply: Reply): Reply {
  return reply instanceof ErrorReply && reply.text.includes("objects are the same") ? 0 : reply;
}
