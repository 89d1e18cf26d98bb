/**
 * Gives commands to Redis and takes their replies apart, alone, in a pipeline or in a transaction.
 *
 * A command is refused (refusals.ts), or goes to Redis as it is or as adapt.ts and scripts.ts have changed it, or is a JSON command,
 * which is computed here (json/). Whatever has a JSON command in it runs alone and one command after the other: its documents are
 * read, changed and written back, and a transaction must see no one else's writes in between.
 *
 * Each command is billed here: once for itself, and once for each call that a script made. Its bytes count under its own key.
 */
import type { Ledger } from "../ledger.ts";
import { adapt } from "./adapt.ts";
import type { Prepared } from "./adapt.ts";
import type { Backend, Send } from "./backend.ts";
import type { CommandTable } from "./command-table.ts";
import { isEmulated } from "./emulated.ts";
import { isJsonCommand, isJsonRead, jsonArityError, runJson } from "./json/json-call.ts";
import { nameOf, notInStack, refusalOf } from "./refusals.ts";
import { bytesOfCommand, bytesOfReply, ErrorReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import { readScriptReply } from "./script-reply.ts";
import type { ScriptBook } from "./scripts.ts";
import { sizeRefusal } from "./size-limits.ts";

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

/** What runs for one command: nothing but an error, something in Redis, or something here. */
type Step = ErrorReply | Prepared | JsonStep;

interface JsonStep {
  json: Command;
}

export function createExecutor({ backend, table, scripts, ledger }: ExecutorParts): Executor {
  /** Where Redis has the command itself, because it is not Valkey 9, nothing is emulated. */
  const isJson = (name: string): boolean => isJsonCommand(name) && !table.isKnown(name);

  function refusal(command: Command, mayWrite: boolean): ErrorReply | undefined {
    const name = nameOf(command);
    const refused = refusalOf(command) ?? (table.isKnown(name) ? sizeRefusal(command, table) : unknownRefusal(command));
    if (refused !== undefined || mayWrite || table.isReadOnly(command) || isJsonRead(name)) return refused;
    return new ErrorReply(
      `NOPERM this user has no permissions to run the '${String(command[0]).toLowerCase()}' command`,
    );
  }

  /** Names come from outside; only the ones that exist may take room in the ledger. */
  function isBilled(name: string): boolean {
    return table.isKnown(name) || isJsonCommand(name) || isEmulated(name);
  }

  function keyOf(command: Command): string | undefined {
    return table.isKnown(nameOf(command)) ? table.keyOf(command) : String(command[1] ?? "");
  }

  function bill(command: Command): void {
    const name = nameOf(command);
    if (isBilled(name)) ledger.command(name, keyOf(command));
  }

  /** Those that were refused have moved nothing to Redis. */
  function weigh(commands: readonly Command[], plan: readonly Step[], replies: readonly Reply[]): void {
    for (const [index, command] of commands.entries()) {
      if (plan[index] instanceof ErrorReply || !isBilled(nameOf(command))) continue;
      const key = keyOf(command);
      if (key === undefined) continue;
      ledger.keyBytes(key, { in: bytesOfCommand(command), out: bytesOfReply(replies[index] ?? null) });
    }
  }

  function prepare(command: Command): Prepared | JsonStep {
    bill(command);
    if (isJson(nameOf(command))) return { json: command };
    const call = scripts.translate(command);
    if (call === undefined) return adapt(command);
    return { command: call.command, read: (reply, send) => readScriptReply(call, reply, { send, bill }) };
  }

  return {
    refusal,
    bill,
    async pipeline(commands, mayWrite) {
      const plan: readonly Step[] = commands.map((command) => refusal(command, mayWrite) ?? prepare(command));
      const replies = await run(plan);
      weigh(commands, plan, replies);
      return replies;
    },
    async transaction(commands, mayWrite) {
      for (const command of commands) {
        const refused = refusal(command, mayWrite);
        if (refused !== undefined) return refused;
      }
      const plan: readonly (Prepared | JsonStep)[] = commands.map(prepare);
      const replies = await transact(plan);
      if (!(replies instanceof ErrorReply)) weigh(commands, plan, replies);
      return replies;
    },
  };

  async function run(plan: readonly Step[]): Promise<Reply[]> {
    if (!isForRedis(plan)) return backend.alone((send) => runInTurn(plan, send));
    const sent = plan.filter((step): step is Prepared => !(step instanceof ErrorReply));
    const replies = await backend.send(sent.map((step) => step.command));
    return readAll(plan, replies, backend.send);
  }

  async function transact(plan: readonly (Prepared | JsonStep)[]): Promise<Reply[] | ErrorReply> {
    if (!isForRedis(plan)) return backend.alone((send) => transactInTurn(plan, send));
    const executed = await backend.transact(plan.map((step) => step.command));
    if (executed instanceof ErrorReply) return executed;
    if (!Array.isArray(executed)) return new ErrorReply("EXECABORT Transaction discarded");
    return readAll(plan, executed, backend.send);
  }
}

function unknownRefusal(command: Command): ErrorReply | undefined {
  return jsonArityError(command) ?? notInStack(nameOf(command));
}

function isForRedis<Any extends Step>(plan: readonly Any[]): plan is readonly Exclude<Any, JsonStep>[] {
  return plan.every((step) => !("json" in step));
}

/** Refused commands keep their errors; the others take the replies in order. */
async function readAll(
  plan: readonly (Prepared | ErrorReply)[],
  replies: readonly Reply[],
  send: Send,
): Promise<Reply[]> {
  const results: Reply[] = [];
  let index = 0;
  for (const step of plan) {
    if (step instanceof ErrorReply) results.push(step);
    else results.push(await readOne(step, replies[index++] ?? null, send));
  }
  return results;
}

function readOne({ read }: Prepared, reply: Reply, send: Send): Reply | Promise<Reply> {
  return read === undefined ? reply : read(reply, send);
}

async function runInTurn(plan: readonly Step[], send: Send): Promise<Reply[]> {
  const results: Reply[] = [];
  for (const step of plan) {
    if (step instanceof ErrorReply) results.push(step);
    else if ("json" in step) results.push(await runJson(step.json, send));
    else results.push(await readOne(step, (await send([step.command]))[0] ?? null, send));
  }
  return results;
}

/** Redis first looks at the commands without running them, since an error that it finds then discards the whole transaction. */
async function transactInTurn(plan: readonly (Prepared | JsonStep)[], send: Send): Promise<Reply[] | ErrorReply> {
  const forRedis = plan.flatMap((step) => ("json" in step ? [] : [step.command]));
  const queued = await send([["MULTI"], ...forRedis, ["DISCARD"]]);
  return queued.find((reply) => reply instanceof ErrorReply) ?? runInTurn(plan, send);
}
