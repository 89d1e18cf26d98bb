/** An answer of server-sent events that ends with its source, with the connection's lifetime, or when the reader has gone. */
import type { Context } from "hono";
import type { AppEnv } from "./app-env.ts";
import { createFrameStream, type FrameStream } from "./frame-stream.ts";
import { receiptFrame } from "./middleware/server-timing.ts";
import { eventStreamHeaders, heartbeatFrame, retryFrame } from "./sse.ts";

const heartbeatMs = 15_000;
const lifetimeMs = 5 * 60_000;
const retryMinMs = 1_000;
const retrySpreadMs = 2_000;

export interface EventStreamParts {
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Frames to write; an empty one is left out. Reads nothing more once the signal aborts. */
  readonly frames: (signal: AbortSignal) => AsyncIterable<string>;
}

/** An idle reader costs nothing but the open connection. */
export function respondWithEvents(c: Context<AppEnv>, { pause, random, frames }: EventStreamParts): Response {
  const stream = createFrameStream();
  const ended = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, ended.signal]);
  const log = c.get("log");
  const { meter } = c.get("wire");

  async function relay(): Promise<void> {
    await stream.write(retryFrame(retryMinMs + retrySpreadMs * random()));
    for await (const frame of frames(signal)) {
      if (stream.isClosed()) return;
      if (frame !== "") await stream.write(frame);
    }
  }
  async function relayToTheEnd(): Promise<void> {
    try {
      await Promise.race([relay(), beat(stream, pause, signal)]);
    } catch (error) {
      if (!signal.aborted) log.warn("an event stream broke off", { cause: error });
    }
    ended.abort();
    await stream.write(receiptFrame(meter));
    stream.end();
  }
  c.executionCtx.waitUntil(relayToTheEnd());
  return c.body(stream.readable, 200, eventStreamHeaders);
}

async function beat(
  stream: FrameStream,
  pause: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < lifetimeMs && !stream.isClosed(); elapsedMs += heartbeatMs) {
    await pause(heartbeatMs, signal);
    await stream.write(heartbeatFrame);
  }
}
