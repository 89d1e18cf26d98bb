/** What happens in a conversation, over SSE: replay after the cursor, then live. */
import type { Context } from "hono";
import {
  followConversation,
  formatPlace,
  parsePlace,
  startOfConversation,
  type ConversationItem,
  type ConversationPlace,
} from "../../agent/follow-conversation.ts";
import { AppError } from "../../core/errors.ts";
import { followRun } from "../../engine/follow-run.ts";
import { follow } from "../../event/follow.ts";
import type { AppEnv } from "../app-env.ts";
import { respondWithEvents } from "../event-stream.ts";
import { formatSseEvent } from "../sse.ts";
import { conversationRef } from "./conversation-ref.ts";

/**
 * `Last-Event-ID` that this server cannot have issued, or whose events are gone, gets a `reset` event: an `EventSource` would give up
 * for good at an error status. `?after=` is written by a program, which is told: @throws invalid_cursor (refuse).
 */
export async function conversationEvents(c: Context<AppEnv>): Promise<Response> {
  const ref = conversationRef(c);
  const from = readCursor(c);
  const { follow: parts } = c.get("wire");
  const { followRun: runParts, activeRuns } = await c.get("wire").runs();
  const sources = {
    turns: (at, signal) => follow({ ...parts, activeRuns }, ref, at, signal),
    run: (runId, after, signal) => followRun(runParts, { userId: ref.userId, runId }, after, signal),
  } satisfies Parameters<typeof followConversation>[0];
  async function* frames(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    for await (const item of followConversation(sources, from, signal)) yield frameOf(item, ref.conversationId);
  }
  return respondWithEvents(c, { ...parts, frames });
}

function frameOf(item: ConversationItem, conversationId: string): string {
  const id = formatPlace(item.place);
  switch (item.kind) {
    case "reset": {
      const messagesUrl = `/api/conversations/${conversationId}/messages`;
      return formatSseEvent({ id, event: "reset", data: { type: "reset", messagesUrl } });
    }
    case "run-event": {
      const { type, data } = item.event;
      return formatSseEvent({ id, event: type, data: { ...data, runId: item.runId } });
    }
    case "record": {
      const { event } = item.record;
      return event.type === "heartbeat" ? "" : formatSseEvent({ id, event: event.type, data: event });
    }
  }
}

function readCursor(c: Context<AppEnv>): ConversationPlace | "unknown" {
  const header = c.req.header("Last-Event-ID");
  if (header !== undefined && header !== "") return parsePlace(header) ?? "unknown";
  const query = c.req.query("after");
  if (query === undefined) return startOfConversation;
  const cursor = parsePlace(query);
  if (cursor === undefined)
    throw new AppError("invalid_cursor", "`after` must be an event id that this server gave out.");
  return cursor;
}
