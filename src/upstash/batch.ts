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
 */
import { AppError, asAppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { invariant } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { commandRefused } from "./fault.ts";
import { createTransport } from "./transport.ts";
import type { Reply, Transport } from "./transport.ts";
import type { Script } from "./script.ts";

export type RedisArgument = string | number;
/** Checks a raw reply and turns it into a value; throws when the reply is not what the command promises. */
export type Reader<T> = (reply: unknown) => T;

export interface Batch {
  /**
   * Adds one command. The promise settles after the batch was sent, so awaiting it inside `build` waits for ever.
   * A rejection that nobody awaits is not reported: await each command whose failure matters.
   */
  add<T>(command: readonly RedisArgument[], read: Reader<T>): Promise<T>;
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
  /** Told about each round trip before it leaves: how many commands it carries. Counts subrequests and receipts. */
  readonly onRoundTrip?: (commands: number) => void;
}

export function upstashClient(options: UpstashClientOptions): RedisClient {
  const transport = createTransport(options);
  const client: RedisClient = {
    run: (build) => sendBatch(transport, "pipeline", build),
    atomic: (build) => sendBatch(transport, "multi-exec", build),
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
  /** The command; of a script the part behind its SHA-1 or text. */
  readonly args: readonly RedisArgument[];
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

async function sendBatch(
  transport: Transport,
  endpoint: "pipeline" | "multi-exec",
  build: (batch: Batch) => void | Promise<void>,
): Promise<void> {
  const pending: Pending[] = [];
  try {
    await build(collectInto(pending));
    if (pending.length === 0) return;
    invariant(pending.length <= limits.batchCommandsMax, "a batch stays within batchCommandsMax commands");
    const unknownScripts = settle(pending, await transport(endpoint, await encode(pending, endpoint)));
    if (unknownScripts.length === 0) return;
    settle(unknownScripts, await transport("pipeline", unknownScripts.map(evalText)));
  } catch (thrown) {
    const error = asAppError(thrown);
    for (const command of pending) command.reject(error);
    throw error;
  }
}

function collectInto(pending: Pending[]): Batch {
  function enqueue<T>(script: Script | undefined, args: readonly RedisArgument[], read: Reader<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    pending.push({ script, args, resolve, reject });
    const value = promise.then(read);
    // The failure of the whole trip is thrown by `run`; without this line it would also count as unhandled here.
    value.catch(() => {});
    return value;
  }
  return {
    add: (command, read) => enqueue(undefined, command, read),
    script: (script, keys, args, read) => enqueue(script, [keys.length, ...keys, ...args], read),
  };
}

/** In a transaction scripts travel as text: a second trip for an unknown one would be outside of it. */
async function encode(
  pending: readonly Pending[],
  endpoint: "pipeline" | "multi-exec",
): Promise<(readonly RedisArgument[])[]> {
  const commands: (readonly RedisArgument[])[] = [];
  for (const command of pending) {
    if (command.script === undefined) commands.push(command.args);
    else if (endpoint === "multi-exec") commands.push(evalText(command));
    else commands.push(["EVALSHA", await command.script.sha1(), ...command.args]);
  }
  return commands;
}

function evalText({ script, args }: Pending): RedisArgument[] {
  invariant(script !== undefined, "only scripts are sent again");
  return ["EVAL", script.text, ...args];
}

/** Settles each command with its reply, except the scripts that Redis does not know yet: those it returns. */
function settle(pending: readonly Pending[], replies: readonly Reply[]): Pending[] {
  if (replies.length !== pending.length) {
    throw new AppError("redis_unavailable", `Redis answered ${replies.length} of ${pending.length} commands`);
  }
  return pending.filter((command, index) => {
    const { result, error } = replies[index]!;
    if (error === undefined) command.resolve(result);
    else if (command.script !== undefined && error.startsWith("NOSCRIPT")) return true;
    else command.reject(commandRefused(commandName(command), error));
    return false;
  });
}

function commandName({ script, args }: Pending): string {
  return script === undefined ? String(args[0]) : "a script";
}
