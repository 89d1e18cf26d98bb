/**
 * The Redis behind the REST front, and who may use which connection to it.
 *
 * 1. Plain commands share one pipelined connection, so nothing that changes a connection's state may be sent on it (refusals.ts).
 * 2. A transaction has a connection to itself from MULTI to EXEC. Sharing one is how another REST proxy mixed the transactions of
 *    concurrent requests. Source: https://github.com/hiett/serverless-redis-http/issues/25
 * 3. A stream (SUBSCRIBE, MONITOR) owns its connection until it ends.
 * 4. Nothing is sent twice: when a connection breaks, only the caller can know whether to repeat.
 * 5. Who reads something in order to write it (`alone`) does so while no other command of ours is on its way; streams go on.
 */
import { openConnection } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { startEmbeddedValkey } from "./embedded-valkey.ts";
import { ErrorReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import { keepSnapshots } from "./snapshot-keeper.ts";
import { greetingOf, tcpDial } from "./tcp-wire.ts";
import { createTurnstile } from "./turnstile.ts";

/** One reply for each command, in order. @throws Error when the connection breaks. */
export type Send = (commands: readonly Command[]) => Promise<Reply[]>;

export interface Backend {
  send: Send;
  /** `work` is given a `send` of its own, which nobody else gets between; the other one would wait for its own end. */
  alone<T>(work: (send: Send) => Promise<T>): Promise<T>;
  /** The reply of EXEC, or an error reply if the transaction was discarded. @throws Error when the connection breaks. */
  transact(commands: readonly Command[]): Promise<Reply>;
  /** A connection of the caller's own, which the caller closes. */
  dedicated(): Promise<Connection>;
  close(): Promise<void>;
}

const IDLE_CONNECTIONS_MAX = 16;

/**
 * The Redis at `redisUrl`, which keeps its own data, or else one in this process, whose data is kept in `snapshotFile` if given.
 * @throws Error when the Redis at `redisUrl` does not let us in.
 */
export async function openBackend(redisUrl: string | undefined, snapshotFile?: string): Promise<Backend> {
  const url = redisUrl === undefined ? undefined : new URL(redisUrl);
  const embedded = url === undefined ? await startEmbeddedValkey() : undefined;
  const dial = embedded?.dial ?? tcpDial(url ?? new URL("redis://127.0.0.1"));
  const greeting = url === undefined ? [] : greetingOf(url);
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  const turnstile = createTurnstile();
  const snapshots =
    embedded === undefined || snapshotFile === undefined
      ? undefined
      : keepSnapshots({
          exchange: embedded.exchange,
          file: snapshotFile,
          inTurn: (work) => turnstile.alone(async () => work()),
        });

  async function dedicated(): Promise<Connection> {
    const connection = await openConnection(dial);
    for (const reply of await connection.send(greeting)) {
      if (!(reply instanceof ErrorReply)) continue;
      connection.close();
      throw new Error(`Redis refused the connection: ${reply.text}`);
    }
    for (const other of open) if (other.isClosed()) open.delete(other);
    open.add(connection);
    return connection;
  }

  let shared = await dedicated();
  let reopening: Promise<Connection> | undefined;

  /** Opens a new one if the old one broke; callers that come meanwhile wait for the same one. */
  async function sharedConnection(): Promise<Connection> {
    if (!shared.isClosed()) return shared;
    reopening ??= dedicated().finally(() => (reopening = undefined));
    shared = await reopening;
    return shared;
  }

  function takeIdle(): Connection | undefined {
    let connection = idle.pop();
    while (connection?.isClosed()) connection = idle.pop();
    return connection;
  }

  async function sendShared(commands: readonly Command[]): Promise<Reply[]> {
    return (await sharedConnection()).send(commands);
  }

  async function transact(commands: readonly Command[]): Promise<Reply> {
    const connection = takeIdle() ?? (await dedicated());
    const replies = await connection.send([["MULTI"], ...commands, ["EXEC"]]);
    if (idle.length < IDLE_CONNECTIONS_MAX) idle.push(connection);
    else connection.close();
    return outcome(replies);
  }

  return {
    dedicated,
    send: (commands) => turnstile.together(() => sendShared(commands)),
    alone: (work) => turnstile.alone(() => work(sendShared)),
    transact: (commands) => turnstile.together(() => transact(commands)),
    async close() {
      await snapshots?.close();
      for (const connection of open) connection.close();
      embedded?.close();
    },
  };
}

/** EXECABORT says only that something was wrong; the first queued command's error says what. */
function outcome(replies: Reply[]): Reply {
  const executed = replies.at(-1) ?? null;
  if (!(executed instanceof ErrorReply)) return executed;
  return replies.find((reply) => reply instanceof ErrorReply) ?? executed;
}
