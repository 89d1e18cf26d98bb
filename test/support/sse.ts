import { createParser, type EventSourceMessage } from "eventsource-parser";

/** The events of a response, as they come; ends with the stream. */
export async function* sseEvents(response: Response): AsyncGenerator<EventSourceMessage, void, undefined> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => ready.push(event) });
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export interface UiChunk {
  readonly type: string;
  readonly delta?: string;
  readonly messageId?: string;
}

/** The chunks of a UI message stream, without `[DONE]`. */
export async function uiChunks(response: Response): Promise<UiChunk[]> {
  const chunks: UiChunk[] = [];
  for await (const event of sseEvents(response)) {
    if (event.data !== "[DONE]") chunks.push(JSON.parse(event.data) as UiChunk);
  }
  return chunks;
}

export function textOfChunks(chunks: readonly UiChunk[]): string {
  return chunks.map((chunk) => chunk.delta ?? "").join("");
}
