/** `/v2/messages`: what waits for its delivery. What belongs to a workflow run is shown, and cancelled with its run alone. */
import { ApiError } from "./api-error.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { messageFilters, readCount, readFilter } from "./filters.ts";
import type { MessageStore } from "./message-store.ts";
import { viewMessage } from "./message-views.ts";
import { idIn, type Resource } from "./route.ts";

export function createMessagesResource(o: { messages: MessageStore; dispatcher: Dispatcher }): Resource {
  return ({ method, path, query }) => {
    const messageId = idIn(path, "messages");
    if (messageId !== undefined && method === "GET") {
      const message = o.messages.get(messageId);
      if (message === undefined) throw notFound(messageId);
      return { status: 200, value: viewMessage(message) };
    }
    if (messageId !== undefined && method === "DELETE") {
      if (o.messages.get(messageId)?.run !== undefined) throw belongsToRun(messageId);
      if (!o.dispatcher.cancel(messageId)) throw notFound(messageId);
      return { status: 200, value: { cancelled: 1 } };
    }
    if (path === "messages" && method === "DELETE") {
      const isWanted = readFilter(query, messageFilters);
      const wanted = o.messages
        .list()
        .filter((message) => message.run === undefined && isWanted({ message, timeMs: message.createdAtMs }));
      const chosen = wanted.slice(0, readCount(query));
      const cancelled = chosen.filter(({ messageId: id }) => o.dispatcher.cancel(id)).length;
      return { status: 200, value: { cancelled } };
    }
    return undefined;
  };
}

/** A run that lost its message would wait for ever. */
function belongsToRun(messageId: string): ApiError {
  return new ApiError(400, `message ${messageId} belongs to a workflow run: cancel the run`);
}

function notFound(messageId: string): ApiError {
  return new ApiError(404, `message ${messageId} not found`);
}
