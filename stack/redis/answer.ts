import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { errorJson, replyJson } from "./reply-json.ts";
import { encodeReply, ErrorReply } from "./resp.ts";
import type { Reply } from "./resp.ts";

/** A whole HTTP answer; streams have none. */
export interface Answer {
  status: number;
  contentType: string;
  body: string | Buffer;
  headers?: Record<string, string>;
}

export type ReplyFormat = "json" | "base64" | "resp2";

/** How the client wants its replies, or the error to answer with. Source: docs, "REST API", Upstash-Response-Format. */
export function replyFormatOf(headers: IncomingHttpHeaders, isTransaction: boolean): ReplyFormat | ErrorReply {
  const isBase64 = headers["upstash-encoding"] === "base64";
  const format = headers["upstash-response-format"] ?? "json";
  if (format === "json") return isBase64 ? "base64" : "json";
  if (format !== "resp2") return new ErrorReply("ERR Upstash-Response-Format must be json or resp2");
  if (isBase64) return new ErrorReply("ERR Upstash-Encoding: base64 cannot be combined with the resp2 format");
  if (isTransaction) return new ErrorReply("ERR the resp2 format is not available for transactions");
  return "resp2";
}

export function errorAnswer(status: number, text: string): Answer {
  return { status, contentType: "application/json", body: errorJson(text) };
}

/** Of a single command: a Redis error is status 400. */
export function commandAnswer(reply: Reply, format: ReplyFormat): Answer {
  const status = reply instanceof ErrorReply ? 400 : 200;
  if (format === "resp2") return { status, contentType: "application/octet-stream", body: encodeReply(reply) };
  return { status, contentType: "application/json", body: replyJson(reply, format === "base64") };
}

/** Of a pipeline or transaction: always 200, since each command has its own result or error. */
export function commandsAnswer(replies: readonly Reply[], format: ReplyFormat): Answer {
  if (format === "resp2") {
    return { status: 200, contentType: "application/octet-stream", body: Buffer.concat(replies.map(encodeReply)) };
  }
  const items = replies.map((reply) => replyJson(reply, format === "base64"));
  return { status: 200, contentType: "application/json", body: `[${items.join(",")}]` };
}

/** Text goes out in one piece with the headers, which saves a write to the socket; a Buffer would need two. */
export function writeAnswer(response: ServerResponse, answer: Answer): void {
  writeHead(response, answer, Buffer.byteLength(answer.body));
  response.end(answer.body);
}

/** Breaks the connection after so many bytes of a body that was announced in full. */
export function writeTruncated(response: ServerResponse, answer: Answer, bytesSent: number): void {
  const body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  writeHead(response, answer, body.length);
  response.write(body.subarray(0, Math.min(bytesSent, body.length - 1)), () => response.destroy());
}

/** Only has to differ from answer to answer: with a single node there is no replica that could lag behind. */
let syncToken = 0;

function writeHead(response: ServerResponse, answer: Answer, bodyBytes: number): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    "Content-Type": answer.contentType,
    "Content-Length": bodyBytes,
    "upstash-sync-token": String(++syncToken),
  });
}
