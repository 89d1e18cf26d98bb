import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCommands, encodeReply, ErrorReply, NullArray, StatusReply } from "../../stack/redis/resp.ts";
import type { Reply } from "../../stack/redis/resp.ts";
import { RespParser } from "../../stack/redis/resp-parser.ts";

const line = fc.string({ unit: "grapheme-ascii" }).map((text) => text.replaceAll(/[\r\n]/g, ""));
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.constant(new NullArray()),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    line.map((text) => new StatusReply(text)),
    line.map((text) => new ErrorReply(text)),
    fc.array(tie("reply"), { maxLength: 5 }),
  ),
}));

function parseAll(chunks: Buffer[]): Reply[] {
  const replies: Reply[] = [];
  const parser = new RespParser((parsed) => replies.push(parsed));
  for (const chunk of chunks) parser.push(chunk);
  return replies;
}

function cut(bytes: Buffer, lengths: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...chunks, bytes.subarray(at)];
}

describe("RESP2", () => {
  it("replies arrive as they were written, however the bytes are cut", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 4 }), lengths, (replies, cuts) => {
        const bytes = Buffer.concat(replies.map(encodeReply));
        expect(parseAll(cut(bytes, cuts))).toEqual(replies);
      }),
    );
  });

  it("a command is an array of counted bytes, with text and binary mixed", () => {
    const bytes = encodeCommands([["SET", "é", Buffer.from([13, 10, 255])], ["PING"]]);
    expect(bytes.toString("latin1")).toBe(
      "*3\r\n$3\r\nSET\r\n$2\r\n\u00c3\u00a9\r\n$3\r\n\r\n\u00ff\r\n*1\r\n$4\r\nPING\r\n",
    );
  });

  it("half a surrogate pair does not spoil the count of bytes", () => {
    const bytes = encodeCommands([["ECHO", "\ud83d"]]);
    expect(parseAll([bytes])).toEqual([[Buffer.from("ECHO"), Buffer.from("\ufffd")]]);
  });

  it("bytes that are not RESP2 are an error", () => {
    for (const text of ["%1\r\n", "$x\r\n", "*-2\r\n", "HTTP/1.1 200 OK\r\n"]) {
      expect(() => parseAll([Buffer.from(text)]), text).toThrow("not RESP2");
    }
  });
});
