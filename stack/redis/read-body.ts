import type { IncomingMessage } from "node:http";

/** Upstash's limit. Source: docs, "Troubleshooting", ERR max request size exceeded. */
export const REQUEST_BYTES_MAX = 10 * 1024 * 1024;
/** How much more we read and throw away, so that a client that is still writing gets to read the error. */
const DISCARD_BYTES_MAX = 64 * 1024 * 1024;

/** Undefined when it exceeds the limit: then the rest is being read and thrown away. @throws Error when the client leaves. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= REQUEST_BYTES_MAX) return void chunks.push(chunk);
      chunks.length = 0;
      resolve(undefined);
      if (length > DISCARD_BYTES_MAX) request.destroy();
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => {
      // Every request closes in the end; only for one that ended early is an error worth its stack trace.
      if (!request.complete) reject(new Error("the client left before its request was complete"));
    });
  });
}
