import type { IncomingMessage } from "node:http";

/** The request body is longer than the server takes. */
export class BodyTooLargeError extends Error {
  constructor(bytesMax: number) {
    super(`The request body is longer than ${bytesMax} bytes.`);
    this.name = "BodyTooLargeError";
  }
}

/**
 * Reads a whole request body. A body over the limit is drained, not kept, so that the refusal reaches the client.
 * @throws BodyTooLargeError when it is longer than `bytesMax`.
 */
export async function readBody(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= bytesMax) parts.push(part);
  }
  if (bytes > bytesMax) throw new BodyTooLargeError(bytesMax);
  return Buffer.concat(parts);
}
