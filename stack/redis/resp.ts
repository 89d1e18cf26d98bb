/** RESP2, the protocol between us and Redis. Bytes stay bytes: what a client stored is what it gets back. */

/** Text is sent as UTF-8. */
export type Arg = string | Buffer;

/** The command's name first; never empty. */
export type Command = readonly [Arg, ...Arg[]];

/** A bulk string is a Buffer; `null` is the nil string, NullArray the nil array: JSON cannot tell them apart, RESP2 can. */
export type Reply = null | number | bigint | Buffer | StatusReply | ErrorReply | NullArray | Reply[];

export class StatusReply {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class ErrorReply {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class NullArray {}

/** All commands in one buffer, so that they arrive as one block. */
export function encodeCommands(commands: readonly Command[]): Buffer {
  const parts: Buffer[] = [];
  let text = "";
  for (const command of commands) {
    text += `*${command.length}\r\n`;
    for (const arg of command) {
      if (typeof arg === "string") {
        text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      } else {
        parts.push(Buffer.from(`${text}$${arg.length}\r\n`), arg);
        text = "\r\n";
      }
    }
  }
  const rest = Buffer.from(text);
  return parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
}

/** The reply as Redis wrote it. */
export function encodeReply(reply: Reply): Buffer {
  if (reply === null) return Buffer.from("$-1\r\n");
  if (typeof reply === "number" || typeof reply === "bigint") return Buffer.from(`:${reply}\r\n`);
  if (reply instanceof StatusReply) return Buffer.from(`+${reply.text}\r\n`);
  if (reply instanceof ErrorReply) return Buffer.from(`-${reply.text}\r\n`);
  if (reply instanceof NullArray) return Buffer.from("*-1\r\n");
  if (Array.isArray(reply)) return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(encodeReply)]);
  return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from("\r\n")]);
}

/** Of the words alone, without what RESP puts around them. */
export function bytesOfCommand(command: Command): number {
  let bytes = 0;
  for (const arg of command) bytes += typeof arg === "string" ? Buffer.byteLength(arg) : arg.length;
  return bytes;
}

/** Of the values alone; an integer counts its digits, nil nothing. */
export function bytesOfReply(reply: Reply): number {
  if (reply === null || reply instanceof NullArray) return 0;
  if (Buffer.isBuffer(reply)) return reply.length;
  if (typeof reply === "number" || typeof reply === "bigint") return String(reply).length;
  if (!Array.isArray(reply)) return Buffer.byteLength(reply.text);
  let bytes = 0;
  for (const item of reply) bytes += bytesOfReply(item);
  return bytes;
}
