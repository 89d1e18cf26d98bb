/** The same decoder without its template: what it costs to parse each line. */
import type { Model } from "../../src/agent/model-port.ts";
import { createAnswerDecoder } from "../../src/model/answer-decoder.ts";

export function parsingModel(baseUrl: string): Model {
  return {
    async *stream() {
      const response = await fetch(`${baseUrl}/chat/completions`, { method: "POST" });
      const decoder = createAnswerDecoder({ useTemplate: false });
      const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
      while (!decoder.isEnded) {
        const { value, done } = await reader.read();
        for (const piece of done ? decoder.finish() : decoder.push(value)) yield piece;
        if (decoder.failure !== undefined) throw decoder.failure;
      }
    },
  };
}
