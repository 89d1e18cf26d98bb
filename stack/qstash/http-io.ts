import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "./api-error.ts";
import { discardedBytesMax } from "./limits.ts";

/**
 * The whole body of a request.
 * @throws ApiError 413 beyond `bytesMax`, after the rest has been read and thrown away (up to a limit), so that the client
 * reads the refusal instead of a broken connection; whatever the socket throws when the client leaves.
 */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > discardedBytesMax) break;
  }
  if (bytes > bytesMax) throw new ApiError(413, `message is too large. Limit: ${bytesMax} bytes`);
  return Buffer.concat(chunks);
}

/** Breaks the connection after so many bytes of an answer that was announced in full. */
export function sendTruncated(response: ServerResponse, status: number, value: unknown, bytesSent: number): void {
  const body = Buffer.from(JSON.stringify(value ?? null));
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length });
  response.write(body.subarray(0, Math.min(bytesSent, body.length - 1)), () => response.destroy());
}

/** Answers in JSON; without `value` the answer is empty. Does nothing when the connection is gone. */
export function sendJson(response: ServerResponse, status: number, value?: unknown): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, value === undefined ? {} : { "Content-Type": "application/json" });
  response.end(value === undefined ? undefined : JSON.stringify(value));
}
