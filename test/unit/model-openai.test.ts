import { describe, expect, test } from "vitest";
import type { ModelPiece, ModelRequest } from "../../src/agent/model-port.ts";
import { AppError } from "../../src/core/errors.ts";
import { openAiModel } from "../../src/model/openai-model.ts";

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const line = (text: string): string => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;
const finish = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n';

function modelOver(fetch: Fetch, limits: { firstByteMsMax?: number; idleMsMax?: number } = {}) {
  return openAiModel({
    baseUrl: "http://model/v1/",
    apiKey: "key",
    modelName: "m",
    fetch,
    firstByteMsMax: limits.firstByteMsMax ?? 10_000,
    idleMsMax: limits.idleMsMax ?? 10_000,
  });
}

function requestWith(signal = new AbortController().signal): ModelRequest {
  return { messages: [{ role: "user", content: "hi" }], tools: [], signal };
}

async function outcome(fetch: Fetch, limits = {}, request = requestWith()) {
  const pieces: ModelPiece[] = [];
  try {
    for await (const piece of modelOver(fetch, limits).stream(request)) pieces.push(piece);
    return { pieces, error: undefined };
  } catch (error) {
    return { pieces, error };
  }
}

const answering =
  (body: BodyInit | null, init?: ResponseInit): Fetch =>
  async () =>
    new Response(body, init);

/** A body that sends `parts` and then waits until it is cancelled or `broken`. */
function openBody(parts: readonly string[], broken?: Error) {
  const state = { isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = parts[position];
      position += 1;
      if (part !== undefined) controller.enqueue(new TextEncoder().encode(part));
      else if (broken !== undefined) controller.error(broken);
      else await new Promise(() => {});
    },
    cancel() {
      state.isCancelled = true;
    },
  });
  let position = 0;
  return { body, state };
}

describe("the chat completions client", () => {
  test("asks for a stream with usage and sends the key as a bearer token", async () => {
    const sent: { url: string; init: RequestInit }[] = [];
    const { pieces } = await outcome(async (url, init) => {
      sent.push({ url, init });
      return new Response(line("hello") + finish);
    });
    expect(pieces).toEqual([
      { kind: "text", escaped: "hello" },
      { kind: "end", finishReason: "stop" },
    ]);
    expect(sent[0]?.url).toBe("http://model/v1/chat/completions");
    expect(new Headers(sent[0]?.init.headers).get("authorization")).toBe("Bearer key");
    expect(JSON.parse(sent[0]?.init.body as string)).toEqual({
      model: "m",
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: "user", content: "hi" }],
    });
  });

  test("sends tools, tool calls and tool answers in the shape of the protocol", async () => {
    let sent: unknown;
    await outcome(
      async (_, init) => {
        sent = JSON.parse(init.body as string);
        return new Response(finish);
      },
      {},
      {
        messages: [
          { role: "assistant", content: null, toolCalls: [{ id: "t", name: "f", argumentsJson: "{}" }] },
          { role: "tool", content: "4", toolCallId: "t" },
        ],
        tools: [{ name: "f", description: "does f", inputSchema: { type: "object" } }],
        signal: new AbortController().signal,
      },
    );
    expect(sent).toMatchObject({
      messages: [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", content: "4", tool_call_id: "t" },
      ],
      tools: [{ type: "function", function: { name: "f", description: "does f", parameters: { type: "object" } } }],
    });
  });

  test.each([
    [400, "model_rejected"],
    [401, "model_rejected"],
    [404, "model_rejected"],
    [408, "model_unavailable"],
    [429, "model_rate_limited"],
    [500, "model_unavailable"],
    [503, "model_unavailable"],
  ])("sorts status %i as %s", async (status, code) => {
    const body = JSON.stringify({ error: { message: "what the user said", type: "a_type", code: "a_code" } });
    const { error } = await outcome(answering(body, { status }));
    expect(error).toMatchObject({ code, message: `The model answered with status ${status}: a_type, a_code` });
  });

  test.each([
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after-ms": "250", "retry-after": "1" }, 250],
    [{ "retry-after": "Sun, 22 Nov 2026 06:00:05 GMT", date: "Sun, 22 Nov 2026 06:00:00 GMT" }, 5_000],
    [{ "retry-after": "999999999" }, 3_600_000],
    [{ "retry-after": "soon" }, undefined],
  ])("reads the wait out of %o", async (headers, retryAfterMs) => {
    const { error } = await outcome(answering("", { status: 429, headers: headers as Record<string, string> }));
    expect((error as AppError).retryAfterMs).toBe(retryAfterMs);
  });

  test("reports a refused connection as unavailable, with its cause", async () => {
    const cause = new TypeError("refused");
    const { error } = await outcome(() => Promise.reject(cause));
    expect(error).toMatchObject({ code: "model_unavailable", cause });
  });

  test("reports a connection that breaks mid-answer after the text that came", async () => {
    const { body } = openBody([line("half")], new TypeError("reset"));
    const { pieces, error } = await outcome(answering(body));
    expect(pieces).toEqual([{ kind: "text", escaped: "half" }]);
    expect(error).toMatchObject({ code: "model_unavailable" });
  });

  test("takes an answer as whole when the connection breaks after the finish reason", async () => {
    const { body } = openBody([line("all"), finish], new TypeError("reset"));
    const { pieces, error } = await outcome(answering(body));
    expect(error).toBeUndefined();
    expect(pieces.at(-1)).toEqual({ kind: "end", finishReason: "stop" });
  });

  test("gives up on a model that never sends its first byte", async () => {
    const { body, state } = openBody([]);
    const { error } = await outcome(answering(body), { firstByteMsMax: 5 });
    expect(error).toMatchObject({ code: "model_unavailable" });
    expect(state.isCancelled).toBe(true);
  });

  test("gives up on a model that falls silent in the middle", async () => {
    const { body } = openBody([line("half")]);
    const { pieces, error } = await outcome(answering(body), { idleMsMax: 5 });
    expect(pieces).toHaveLength(1);
    expect(error).toMatchObject({ code: "model_unavailable" });
  });

  test("rejects with the abort reason before, during and after the headers", async () => {
    const reason = new Error("the user pressed stop");
    const aborted = AbortSignal.abort(reason);
    expect((await outcome(answering(finish), {}, requestWith(aborted))).error).toBe(reason);

    const early = new AbortController();
    const pending = outcome(
      (_, init) =>
        new Promise((_resolve, reject) => {
          init.signal?.addEventListener("abort", () => reject(new DOMException("x", "AbortError")));
          early.abort(reason);
        }),
      {},
      requestWith(early.signal),
    );
    expect((await pending).error).toBe(reason);

    const late = new AbortController();
    const { body, state } = openBody([line("half")]);
    const seen: ModelPiece[] = [];
    await expect(async () => {
      for await (const piece of modelOver(answering(body)).stream(requestWith(late.signal))) {
        seen.push(piece);
        queueMicrotask(() => late.abort(reason));
      }
    }).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
    expect(state.isCancelled).toBe(true);
  });

  test("closes the connection when the consumer leaves early", async () => {
    const { body, state } = openBody([line("a"), line("b")]);
    for await (const piece of modelOver(answering(body)).stream(requestWith())) {
      expect(piece.kind).toBe("text");
      break;
    }
    expect(state.isCancelled).toBe(true);
  });
});
