/** A conversation's events over SSE: replay after the cursor, then live. */
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { beforeAllEvents, formatEventId, parseEventId, type EventId } from "../../event/event-id.ts";
import { follow, type FollowItem } from "../../event/follow.ts";
import type { AppEnv } from "../app-env.ts";
import { respondWithEvents } from "../event-stream.ts";
import { formatSseEvent } from "../sse.ts";
import { conversationRef } from "./conversation-ref.ts";

/**
 * `Last-Event-ID` that this server cannot have issued, or whose events are gone, gets a `reset` event: an `EventSource` would give up
 * for good at an error status. `?after=` is written by a program, which is told: @throws invalid_cursor (refuse).
 */
export function conversationEvents(c: Context<AppEnv>): Response {
  const ref = conversationRef(c);
  const cursor = readCursor(c);
  const { follow: parts } = c.get("wire");
  async function* frames(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    for await (const item of follow(parts, ref, cursor, signal)) yield frameOf(item, ref.conversationId);
  }
  return respondWithEvents(c, { ...parts, frames });
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
