/**
 * Redis as this Worker uses it: commands collected into batches, one batch one round trip.
 *
 * Below it is the official `@upstash/redis` client, held to sending a request once. It does not parse replies: each
 * command comes with a reader that checks what Redis answered.
 *
 * 1. `run` and `atomic` send their commands in one POST, in order; an empty batch sends nothing.
 * 2. Each added command settles exactly once: with its value, with its own error, or with the failure of the trip.
 * 3. A request is sent once. Whether a lost one had its effect is unknown, and is never reported as an empty reply.
 * 4. No command text and no reply gets into an error: both hold users' words.
 * 5. With a vault, users' words are sealed before they leave, and opened before a reader sees them; see `sealing.ts`.
 */
import { AppError, asAppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { invariant } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { commandRefused } from "./fault.ts";
import { createTransport } from "./transport.ts";
import type { Reply, Transport } from "./transport.ts";
import type { Script } from "./script.ts";
import { openReply, openScriptReply, sealCommand, sealScript } from "./sealing.ts";
import type { Vault } from "./vault.ts";

export type RedisArgument = string | number;
/** Checks a raw reply and turns it into a value; throws when the reply is not what the command promises. */
export type Reader<T> = (reply: unknown) => T;

export interface Batch {
  /**
   * Adds one command. The promise settles after the batch was sent, so awaiting it inside `build` waits for ever.
   * A rejection that nobody awaits is not reported: await each command whose failure matters.
   * @param calls billed ones inside of a script that is sent as a plain command.
   */
  add<T>(command: readonly RedisArgument[], read: Reader<T>, calls?: Script["calls"]): Promise<T>;
  /** Adds one run of a script; see `defineScript`. */
  script<T>(script: Script, keys: readonly string[], args: readonly RedisArgument[], read: Reader<T>): Promise<T>;
}

export interface RedisClient {
  /**
   * Sends what `build` adds in one round trip. A command that Redis refuses rejects its own promise only.
   *
   * @throws redis_unavailable (retry) when the trip fails; then all its commands reject with the same error.
   * @throws misconfigured (park) when the token is refused.
   */
  run(build: (batch: Batch) => void | Promise<void>): Promise<void>;
  /** Like `run`, as one transaction: nobody else's command runs in between. */
  atomic(build: (batch: Batch) => void | Promise<void>): Promise<void>;
  /** One command in a round trip of its own. */
  command<T>(command: readonly RedisArgument[], read: Reader<T>): Promise<T>;
}

export interface UpstashClientOptions {
  readonly url: string;
  readonly token: Secret;
  /** After so long a round trip counts as lost; up to `limits.redisTimeoutSharedMs` later. */
  readonly timeoutMs: number;
  /** Told about each round trip before it leaves: how many commands it carries. Counts subrequests and receipts. What it returns is told of the end. */
  readonly onRoundTrip?: (commands: number) => ((isAnswered: boolean) => void) | void;
  /** Told about the calls inside of scripts, which are billed too, once those have answered. */
  readonly onScriptCalls?: (calls: number) => void;
  /** Absent: everything travels and stands in clear. */
  readonly vault?: Vault | undefined;
}

export function upstashClient(options: UpstashClientOptions): RedisClient {
  const { vault, onScriptCalls } = options;
  const way: Way = { transport: createTransport(options), vault, onScriptCalls };
  const client: RedisClient = {
    run: (build) => sendBatch(way, "pipeline", build),
    atomic: (build) => sendBatch(way, "multi-exec", build),
    command: async (command, read) => {
      let value: Promise<unknown> | undefined;
      await client.run((batch) => void (value = batch.add(command, read)));
      return (await value) as ReturnType<typeof read>;
    },
  };
  return client;
}

/** One added command until it is settled. */
interface Pending {
  readonly script: Script | undefined;
  /** The keys of a script. */
  readonly keys: readonly string[];
  /** The command, or the arguments of a script. */
  readonly args: readonly RedisArgument[];
  readonly calls: Script["calls"] | undefined;
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

interface Way {
  readonly transport: Transport;
  readonly vault: Vault | undefined;
  readonly onScriptCalls: UpstashClientOptions["onScriptCalls"];
}

async function sendBatch(
  way: Way,
  endpoint: "pipeline" | "multi-exec",
  build: (batch: Batch) => void | Promise<void>,
): Promise<void> {
  const { transport, vault } = way;
  const pending: Pending[] = [];
  try {
    await build(collectInto(pending));
    if (pending.length === 0) return;
    invariant(pending.length <= limits.batchCommandsMax, "a batch stays within batchCommandsMax commands");
    const sealed = await Promise.all(pending.map((command) => seal(vault, command)));
    const replies = await transport(endpoint, await encode(sealed, endpoint));
    const unknownScripts = settle(way, sealed, replies);
    if (unknownScripts.length === 0) return;
    settle(way, unknownScripts, await transport("pipeline", unknownScripts.map(evalText)));
  } catch (thrown) {
    const error = asAppError(thrown);
    for (const command of pending) command.reject(error);
    throw error;
  }
}

function collectInto(pending: Pending[]): Batch {
  function enqueue<T>(command: Pick<Pending, "script" | "keys" | "args" | "calls">, read: Reader<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    pending.push({ ...command, resolve, reject });
    const value = promise.then(read);
    // The failure of the whole trip is thrown by `run`; without this line it would also count as unhandled here.
    value.catch(() => {});
    return value;
  }
  return {
    add: (command, read, calls) => enqueue({ script: undefined, keys: [], args: command, calls }, read),
    script: (script, keys, args, read) => enqueue({ script, keys, args, calls: script.calls }, read),
  };
}

/** A pending command with what really travels. */
interface Sealed extends Pending {
  readonly sent: readonly RedisArgument[];
}

async function seal(vault: Vault | undefined, command: Pending): Promise<Sealed> {
  const { script, keys, args } = command;
  if (vault === undefined) return { ...command, sent: args };
  return {
    ...command,
    sent: await (script === undefined ? sealCommand(vault, args) : sealScript(vault, { script, keys, args })),
  };
}

/** In a transaction scripts travel as text: a second trip for an unknown one would be outside of it. */
async function encode(
  sealed: readonly Sealed[],
  endpoint: "pipeline" | "multi-exec",
): Promise<(readonly RedisArgument[])[]> {
  const commands: (readonly RedisArgument[])[] = [];
  for (const command of sealed) {
    const { script, keys, sent } = command;
    if (script === undefined) commands.push(sent);
    else if (endpoint === "multi-exec") commands.push(evalText(command));
    else commands.push(["EVALSHA", await script.sha1(), keys.length, ...keys, ...sent]);
  }
  return commands;
}

function evalText({ script, keys, sent }: Sealed): RedisArgument[] {
  invariant(script !== undefined, "only scripts are sent again");
  return ["EVAL", script.text, keys.length, ...keys, ...sent];
}

/** Settles each command with its reply, except the scripts that Redis does not know yet: those it returns. */
function settle({ vault, onScriptCalls }: Way, pending: readonly Sealed[], replies: readonly Reply[]): Sealed[] {
  if (replies.length !== pending.length) {
    throw new AppError("redis_unavailable", `Redis answered ${replies.length} of ${pending.length} commands`);
  }
  return pending.filter((command, index) => {
    const { result, error } = replies[index]!;
    if (error === undefined && command.calls !== undefined) onScriptCalls?.(command.calls(result));
    if (error === undefined) command.resolve(vault === undefined ? result : open(vault, command, result));
    else if (command.script !== undefined && error.startsWith("NOSCRIPT")) return true;
    else command.reject(commandRefused(commandName(command), error));
    return false;
  });
}

function open(vault: Vault, { script, keys, args }: Pending, reply: unknown): Promise<unknown> {
  return script === undefined ? openReply(vault, args, reply) : openScriptReply(vault, { script, keys, args }, reply);
}

function commandName({ script, args }: Pending): string {
  return script === undefined ? String(args[0]) : "a script";
}
