import { createParser } from "eventsource-parser";
import { startStack } from "../../stack/start-stack.ts";
import type { RunningStack } from "../../stack/start-stack.ts";

/** A running stack with a small client for its model. */
export interface ModelServer {
  stack: RunningStack;
  ask(body: object, o?: { key?: string; signal?: AbortSignal }): Promise<Response>;
  close(): Promise<void>;
}

export async function startModelServer(): Promise<ModelServer> {
  const stack = await startStack();
  return {
    stack,
    ask: (body, o = {}) =>
      fetch(`${stack.modelBaseUrl}/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${o.key ?? stack.modelApiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "any-model", ...body }),
        ...(o.signal === undefined ? {} : { signal: o.signal }),
      }),
    close: () => stack.close(),
  };
}

export function userMessage(content: string): { role: "user"; content: string } {
  return { role: "user", content };
}

export interface Chunk {
  id: string;
  object: string;
  choices: {
    index: number;
    delta: { role?: string; content?: string | null; tool_calls?: ToolCallDelta[] };
    finish_reason: string | null;
  }[];
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null;
}

export interface ToolCallDelta {
  index: number;
  id?: string;
  function: { name?: string; arguments?: string };
}

/** What a stream held; `error` is set when the connection broke. */
export async function readStream(
  response: Response,
  onRaw: (raw: string) => void = () => {},
): Promise<{ chunks: Chunk[]; text: string; isDone: boolean; raw: string; error: unknown }> {
  const chunks: Chunk[] = [];
  let isDone = false;
  let raw = "";
  let error: unknown;
  const parser = createParser({
    onEvent({ data }) {
      if (data === "[DONE]") isDone = true;
      else chunks.push(JSON.parse(data) as Chunk);
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body ?? []) {
      const text = decoder.decode(bytes, { stream: true });
      raw += text;
      parser.feed(text);
      onRaw(raw);
    }
  } catch (cause) {
    error = cause;
  }
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  return { chunks, text, isDone, raw, error };
}

/** A tool as a request offers it. */
export function offeredTool(name: string, properties: Record<string, unknown>, description = ""): object {
  const required = Object.keys(properties);
  const parameters = { type: "object", properties, required, additionalProperties: false };
  return { type: "function", function: { name, description, parameters } };
}
