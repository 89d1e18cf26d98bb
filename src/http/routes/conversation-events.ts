/**
 * A conversation's events over SSE: replay after the cursor, then live, until the connection's lifetime is over.
 * An idle viewer costs nothing but the open connection.
 */
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { beforeAllEvents, formatEventId, parseEventId, type EventId } from "../../event/event-id.ts";
import { follow, type FollowItem } from "../../event/follow.ts";
import type { AppEnv } from "../app-env.ts";
import { createFrameStream } from "../frame-stream.ts";
import { eventStreamHeaders, formatSseEvent, heartbeatFrame, retryFrame } from "../sse.ts";
import { conversationRef } from "./conversation-ref.ts";

const heartbeatMs = 15_000;
const lifetimeMs = 5 * 60_000;
const retryMinMs = 1_000;
const retrySpreadMs = 2_000;

type FrameStream = ReturnType<typeof createFrameStream>;

/**
 * `Last-Event-ID` that this server cannot have issued, or whose events are gone, gets a `reset` event: an `EventSource` would give up
 * for good at an error status. `?after=` is written by a program, which is told: @throws invalid_cursor (refuse).
 */
export function conversationEvents(c: Context<AppEnv>): Response {
  const ref = conversationRef(c);
  const cursor = readCursor(c);
  const { follow: parts } = c.get("wire");
  const stream = createFrameStream();
  const ended = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, ended.signal]);
  const log = c.get("log");

  async function relay(): Promise<void> {
    await stream.write(retryFrame(retryMinMs + retrySpreadMs * parts.random()));
    for await (const item of follow(parts, ref, cursor, signal)) {
      if (stream.isClosed()) return;
      await stream.write(frameOf(item, ref.conversationId));
    }
  }
  const settled = Promise.race([relay(), beat(stream, parts.pause, signal)])
    .catch((error: unknown) => {
      if (!signal.aborted) log.warn("an event stream broke off", { cause: error });
    })
    .finally(() => {
      ended.abort();
      stream.end();
    });
  c.executionCtx.waitUntil(settled);
  return c.body(stream.readable, 200, eventStreamHeaders);
}

/** Ends with the connection's lifetime, or when the reader has gone. */
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

function frameOf(item: FollowItem, conversationId: string): string {
  if (item.kind === "reset") {
    const messagesUrl = `/api/conversations/${conversationId}/messages`;
    return formatSseEvent({ id: formatEventId(item.from), event: "reset", data: { type: "reset", messagesUrl } });
  }
  const { id, event } = item.record;
  if (event.type === "heartbeat") return "";
  return formatSseEvent({ id: formatEventId(id), event: event.type, data: event });
}

function readCursor(c: Context<AppEnv>): EventId | "unknown" {
  const header = c.req.header("Last-Event-ID");
  if (header !== undefined && header !== "") return parseEventId(header) ?? "unknown";
  const query = c.req.query("after");
  if (query === undefined) return beforeAllEvents;
  const cursor = parseEventId(query);
  if (cursor === undefined)
    throw new AppError("invalid_cursor", "`after` must be an event id that this server gave out.");
  return cursor;
}
