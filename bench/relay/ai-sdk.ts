/**
 * The parts of the AI SDK that every answer passes on a server, without a provider package: its parser of JSON event
 * streams on the way in, its UI message stream on the way out. `streamText` does more, so this is a lower bound.
 */
import { createUIMessageStream, createUIMessageStreamResponse, jsonSchema, parseJsonEventStream } from "ai";

interface Chunk {
  choices: { delta?: { content?: string } }[];
}

export function aiSdkStream(baseUrl: string): ReadableStream<Uint8Array> {
  const stream = createUIMessageStream({
    async execute({ writer }) {
      const response = await fetch(`${baseUrl}/chat/completions`, { method: "POST" });
      const chunks = parseJsonEventStream({
        stream: response.body as ReadableStream<Uint8Array<ArrayBuffer>>,
        schema: jsonSchema<Chunk>({ type: "object" }),
      });
      const reader = chunks.getReader();
      writer.write({ type: "text-start", id: "t" });
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const text = next.value.success ? next.value.value.choices[0]?.delta?.content : undefined;
        if (text) writer.write({ type: "text-delta", id: "t", delta: text });
      }
      writer.write({ type: "text-end", id: "t" });
    },
  });
  return createUIMessageStreamResponse({ stream }).body as ReadableStream<Uint8Array>;
}
