/**
 * Requests and answers of Node's HTTP server that remember the beginning of their bodies, and how long these are. Whoever reads
 * and writes them need not know. Nothing is kept of requests that nobody asked to have noted.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import { withPiece } from "./body-start.ts";
import type { StackClock } from "./clock.ts";
import type { Ledger } from "./ledger.ts";
import type { Exchange, Traffic, TrafficServer } from "./traffic.ts";

type Chunk = string | Uint8Array;

export class SeenRequest extends IncomingMessage {
  exchange: Exchange | undefined;

  /** The parser of HTTP hands each piece of the body over to this. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (this.exchange !== undefined && isChunk(chunk)) this.exchange.request = withPiece(this.exchange.request, chunk);
    return super.push(chunk, encoding);
  }
}

export class SeenResponse extends ServerResponse<SeenRequest> {
  override write(chunk: unknown, ...rest: never[]): boolean {
    this.#note(chunk);
    return super.write(chunk, ...rest);
  }

  override end(...args: never[]): this {
    this.#note(args[0]);
    return super.end(...args);
  }

  #note(chunk: unknown): void {
    const { exchange } = this.req;
    if (exchange !== undefined && isChunk(chunk)) exchange.response = withPiece(exchange.response, chunk);
  }
}

/** Has a request to one of the servers in the traffic and, once its answer is over, its bytes in the ledger. */
export function note(
  books: { traffic: Traffic; ledger: Ledger; clock: StackClock },
  server: Exclude<TrafficServer, "delivery">,
  req: SeenRequest,
  res: SeenResponse,
): void {
  const { method = "GET", url = "/", rawHeaders } = req;
  const startedAtMs = performance.now();
  const exchange = books.traffic.begin({ server, atMs: books.clock.now(), method, url, rawHeaders });
  req.exchange = exchange;
  res.once("close", () => {
    exchange.status = res.headersSent ? res.statusCode : 0;
    exchange.durationMs = performance.now() - startedAtMs;
    if (!res.writableFinished) exchange.error = "the connection was closed before the end of the answer";
    books.ledger.serverBytes(server, { in: exchange.request.bytes, out: exchange.response.bytes });
  });
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === "string" || value instanceof Uint8Array;
}
