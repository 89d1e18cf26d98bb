/** Headers of every event stream: nothing between us and the browser may hold it back or change it. */
export const eventStreamHeaders: Readonly<Record<string, string>> = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** Headers of a UI message stream. Source: ai 7.0.173, `UI_MESSAGE_STREAM_HEADERS`. */
export const uiStreamHeaders: Readonly<Record<string, string>> = {
  ...eventStreamHeaders,
  "x-vercel-ai-ui-message-stream": "v1",
};

export interface SseEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

/** One event; JSON has no line break outside of its strings, so one data line is enough. */
export function formatSseEvent({ id, event, data }: SseEvent): string {
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  const eventLine = event === undefined ? "" : `event: ${event}\n`;
  return `${idLine}${eventLine}data: ${JSON.stringify(data)}\n\n`;
}

/** A comment: keeps the connection open and shows when the reader has gone. */
export const heartbeatFrame = ": heartbeat\n\n";

export function retryFrame(retryMs: number): string {
  return `retry: ${Math.round(retryMs)}\n\n`;
}
