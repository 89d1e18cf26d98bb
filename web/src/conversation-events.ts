import { eventsUrl } from "./api.ts";

/** The events that a window needs in order to follow turns; the tokens come over the chat stream. */
export type TurnEvent =
  | { type: "workflow-started"; runId: string; messageId: string; userMessage: { id: string; text: string } }
  /** A run that shows itself in the conversation; its question is in the history. */
  | { type: "workflow-started"; runId: string; definition: string; messageId?: undefined; userMessage?: undefined }
  | { type: "workflow-completed"; runId: string }
  | { type: "workflow-failed"; runId: string; errorText?: string }
  | { type: "workflow-stopped"; runId: string }
  | { type: "workflow-cancelled"; runId: string }
  | { type: "reset" };

const EVENT_TYPES = [
  "workflow-started",
  "workflow-completed",
  "workflow-failed",
  "workflow-stopped",
  "workflow-cancelled",
  "reset",
] as const;
const REOPEN_MS_MIN = 1_000;
const REOPEN_MS_MAX = 30_000;

/**
 * Follows a conversation until the returned function is called.
 *
 * The browser's own EventSource reconnects with the last event id; this adds what it does not do: it opens again after
 * a refusal (a 204 or an error ends an EventSource for good), at once when the network comes back, and it lets go of the
 * connection while the window is hidden, since a browser has only six of them for all windows of an HTTP/1.1 server.
 */
export function followConversation(conversationId: string, onEvent: (event: TurnEvent) => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let cursor: string | undefined;
  let waitMs = REOPEN_MS_MIN;

  const receive = (message: MessageEvent<string>): void => {
    waitMs = REOPEN_MS_MIN;
    cursor = message.lastEventId || cursor;
    onEvent({ ...JSON.parse(message.data), type: message.type } as TurnEvent);
  };
  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const open = (): void => {
    close();
    if (document.hidden || !navigator.onLine) return;
    let isOpened = false;
    source = new EventSource(eventsUrl(conversationId, cursor));
    source.addEventListener("open", () => (isOpened = true));
    for (const type of EVENT_TYPES) source.addEventListener(type, receive);
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      // The server may refuse a cursor that it has forgotten; it would refuse it for ever.
      if (!isOpened) cursor = undefined;
      timer = setTimeout(open, waitMs * (0.5 + Math.random()));
      waitMs = Math.min(waitMs * 2, REOPEN_MS_MAX);
    });
  };

  const listening = new AbortController();
  const { signal } = listening;
  window.addEventListener("online", open, { signal });
  window.addEventListener("offline", close, { signal });
  document.addEventListener("visibilitychange", open, { signal });
  open();
  return () => {
    listening.abort();
    close();
  };
}
