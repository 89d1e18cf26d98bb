import { encodeCommands } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import { RespParser } from "./resp-parser.ts";
import type { Dial, Wire } from "./wire.ts";

/** One connection to Redis; what is sent in one call arrives there as one block. */
export interface Connection {
  /**
   * One reply for each command, in their order; Redis errors are replies.
   * @throws Error when the connection is lost; the commands may have run all the same.
   */
  send(commands: readonly Command[]): Promise<Reply[]>;
  /** From now on every reply goes to this function: for SUBSCRIBE and MONITOR. */
  stream(command: Command, onReply: (reply: Reply) => void, onClosed: () => void): void;
  isClosed(): boolean;
  close(): void;
}

interface Pending {
  replies: Reply[];
  missing: number;
  resolve(replies: Reply[]): void;
  reject(cause: Error): void;
}

export async function openConnection(dial: Dial): Promise<Connection> {
  const pending: Pending[] = [];
  let isClosed = false;
  let wire: Wire | undefined;
  let onStreamReply: ((reply: Reply) => void) | undefined;
  let onStreamClosed: (() => void) | undefined;

  const parser = new RespParser((reply) => {
    if (onStreamReply !== undefined) return onStreamReply(reply);
    const first = pending[0];
    if (first === undefined) return;
    first.replies.push(reply);
    if (--first.missing > 0) return;
    pending.shift();
    first.resolve(first.replies);
  });

  function lose(cause: Error): void {
    if (isClosed) return;
    isClosed = true;
    wire?.close();
    for (const entry of pending.splice(0)) entry.reject(cause);
    onStreamClosed?.();
  }

  wire = await dial({
    bytes(chunk) {
      try {
        parser.push(chunk);
      } catch (cause) {
        lose(cause instanceof Error ? cause : new Error("the reply could not be read", { cause }));
      }
    },
    closed: lose,
  });

  return {
    send(commands) {
      return new Promise((resolve, reject) => {
        if (isClosed || wire === undefined) return reject(new Error("the connection to Redis is closed"));
        if (commands.length === 0) return resolve([]);
        pending.push({ replies: [], missing: commands.length, resolve, reject });
        wire.write(encodeCommands(commands));
      });
    },
    stream(command, onReply, onClosed) {
      onStreamReply = onReply;
      onStreamClosed = onClosed;
      wire?.write(encodeCommands([command]));
    },
    isClosed: () => isClosed,
    close() {
      onStreamClosed = undefined;
      lose(new Error("the connection to Redis was closed"));
    },
  };
}
