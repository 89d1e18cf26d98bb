import { ErrorReply, NullArray, StatusReply } from "./resp.ts";
import type { Reply } from "./resp.ts";

/**
 * One reply as the REST API writes it: `{"result":…}` or `{"error":"…"}`.
 *
 * With base64 every string is encoded except a status OK at the top: the SDK keeps exactly that one as it is, and decodes everything else,
 * an "OK" inside an array too. Errors are never encoded. Source: @upstash/redis pkg/http.ts `decode`.
 */
export function replyJson(reply: Reply, isBase64: boolean): string {
  if (reply instanceof ErrorReply) return errorJson(reply.text);
  if (reply instanceof StatusReply && reply.text === "OK") return '{"result":"OK"}';
  return `{"result":${valueJson(reply, isBase64)}}`;
}

export function errorJson(text: string): string {
  return `{"error":${JSON.stringify(text)}}`;
}

/** Bytes that are not UTF-8 become U+FFFD when base64 was not asked for. An integer is written with all of its digits. */
function valueJson(value: Reply, isBase64: boolean): string {
  if (value === null || value instanceof NullArray) return "null";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => valueJson(item, isBase64)).join(",")}]`;
  if (Buffer.isBuffer(value)) return isBase64 ? `"${value.toString("base64")}"` : JSON.stringify(value.toString());
  return isBase64 ? `"${Buffer.from(value.text).toString("base64")}"` : JSON.stringify(value.text);
}
