import { ErrorReply, NullArray, StatusReply } from "./resp.ts";
import type { Reply } from "./resp.ts";

/** An array whose items have not all arrived. */
interface OpenArray {
  items: Reply[];
  missing: number;
}

const CARRIAGE_RETURN = 13;
const incomplete = Symbol("incomplete");

/**
 * Turns chunks, cut anywhere, into replies. It never reads a byte twice to find out where it was: a long reply in many chunks
 * costs linear time. Buffers in replies are views of the chunks.
 * @throws Error on bytes that are not RESP2; the connection is of no use after that.
 */
export class RespParser {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #later: Buffer[] = [];
  #laterBytes = 0;
  #neededBytes = 0;
  readonly #open: OpenArray[] = [];
  readonly #emit: (reply: Reply) => void;

  constructor(emit: (reply: Reply) => void) {
    this.#emit = emit;
  }

  push(chunk: Buffer): void {
    this.#later.push(chunk);
    this.#laterBytes += chunk.length;
    const restBytes = this.#bytes.length - this.#at;
    if (restBytes + this.#laterBytes < this.#neededBytes) return;
    if (restBytes === 0 && this.#later.length === 1) this.#bytes = chunk;
    else this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#later]);
    this.#at = 0;
    this.#later = [];
    this.#laterBytes = 0;
    this.#neededBytes = 0;
    while (this.#at < this.#bytes.length) {
      const reply = this.#next();
      if (reply === incomplete) return;
      this.#place(reply);
    }
  }

  /** Puts a finished reply where it belongs, and finishes each array that it was the last item of. */
  #place(reply: Reply | OpenArray): void {
    if (isOpenArray(reply)) {
      this.#open.push(reply);
      return;
    }
    let finished = reply;
    for (let parent = this.#open.at(-1); parent !== undefined; parent = this.#open.at(-1)) {
      parent.items.push(finished);
      if (--parent.missing > 0) return;
      this.#open.pop();
      finished = parent.items;
    }
    this.#emit(finished);
  }

  /** Reads one scalar or the head of one array; moves on only if all of it is there. */
  #next(): Reply | OpenArray | typeof incomplete {
    const lineEnd = this.#bytes.indexOf(CARRIAGE_RETURN, this.#at);
    if (lineEnd < 0 || lineEnd + 1 >= this.#bytes.length) return incomplete;
    const type = String.fromCharCode(this.#bytes[this.#at] ?? 0);
    const text = this.#bytes.toString("utf8", this.#at + 1, lineEnd);
    const bodyAt = lineEnd + 2;
    if (type === "$" && text !== "-1") return this.#bulk(bodyAt, Number(text));
    this.#at = bodyAt;
    if (type === "$") return null;
    if (type === "+") return new StatusReply(text);
    if (type === "-") return new ErrorReply(text);
    if (type === ":") return integer(text);
    if (type === "*") return array(Number(text));
    throw new Error(`not RESP2: a reply begins with ${JSON.stringify(type)}`);
  }

  #bulk(bodyAt: number, length: number): Buffer | typeof incomplete {
    if (!Number.isSafeInteger(length) || length < 0) throw new Error("not RESP2: the length of a string is no length");
    const end = bodyAt + length;
    if (end + 2 > this.#bytes.length) {
      this.#neededBytes = end + 2 - this.#at;
      return incomplete;
    }
    this.#at = end + 2;
    return this.#bytes.subarray(bodyAt, end);
  }
}

function integer(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function array(length: number): Reply | OpenArray {
  if (length === -1) return new NullArray();
  if (!Number.isSafeInteger(length) || length < 0) throw new Error("not RESP2: the length of an array is no length");
  return length === 0 ? [] : { items: [], missing: length };
}

function isOpenArray(reply: Reply | OpenArray): reply is OpenArray {
  return reply !== null && typeof reply === "object" && "missing" in reply;
}
