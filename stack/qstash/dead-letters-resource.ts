/** `/v2/dlq`: what failed for good. A retry is a new message of the same content; the dead letter is gone then. */
import type { StackClock } from "../clock.ts";
import { ApiError } from "./api-error.ts";
import type { DeadLetterStore } from "./dead-letter-store.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { deadLetterFilters, readFilter, readPage } from "./filters.ts";
import type { DeadLetter } from "./message.ts";
import { viewDeadLetter } from "./message-views.ts";
import { newMessageId } from "./publish.ts";
import { idIn, type Resource } from "./route.ts";

export function createDeadLettersResource(o: {
  deadLetters: DeadLetterStore;
  dispatcher: Dispatcher;
  clock: StackClock;
}): Resource {
  function select(query: URLSearchParams): { page: DeadLetter[]; cursor?: string } {
    const isWanted = readFilter(query, deadLetterFilters);
    const wanted = o.deadLetters
      .list()
      .toReversed()
      .filter((letter) =>
        isWanted({
          message: letter.message,
          timeMs: letter.failedAtMs,
          responseStatus: letter.outcome.status,
          dlqId: letter.dlqId,
        }),
      );
    return readPage(query, wanted);
  }

  function take(dlqId: string): DeadLetter {
    const letter = o.deadLetters.take(dlqId);
    if (letter === undefined) throw new ApiError(404, `dead letter ${dlqId} not found`);
    return letter;
  }

  function retry({ message }: DeadLetter): { messageId: string } {
    const nowMs = o.clock.now();
    const again = { ...message, messageId: newMessageId(), retried: 0, notBeforeMs: nowMs, createdAtMs: nowMs };
    o.dispatcher.accept(again);
    return { messageId: again.messageId };
  }

  return ({ method, path, query }) => {
    if (path === "dlq" && method === "GET") {
      const { page, ...cursor } = select(query);
      return { status: 200, value: { messages: page.map(viewDeadLetter), ...cursor } };
    }
    if (path === "dlq" && method === "DELETE") {
      const { page, cursor } = select(query);
      for (const { dlqId } of page) take(dlqId);
      // What was deleted no longer takes a place: the rest begins at the start again.
      return { status: 200, value: { deleted: page.length, ...(cursor !== undefined && { cursor: "0" }) } };
    }
    if (path === "dlq/retry" && method === "POST") {
      const { page, cursor } = select(query);
      const responses = page.map(({ dlqId }) => retry(take(dlqId)));
      return { status: 201, value: { cursor: cursor === undefined ? "" : "0", responses } };
    }
    const retriedId = idIn(path, "dlq/retry");
    if (retriedId !== undefined && method === "POST") return { status: 201, value: retry(take(retriedId)) };
    const dlqId = idIn(path, "dlq");
    if (dlqId === undefined) return undefined;
    if (method === "DELETE") {
      take(dlqId);
      return { status: 200 };
    }
    const letter = method === "GET" ? o.deadLetters.get(dlqId) : undefined;
    if (method === "GET" && letter === undefined) throw new ApiError(404, `dead letter ${dlqId} not found`);
    return letter === undefined ? undefined : { status: 200, value: viewDeadLetter(letter) };
  };
}
