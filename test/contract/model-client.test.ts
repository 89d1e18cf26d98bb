import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ModelPiece, ModelTool } from "../../src/agent/model-port.ts";
import { openAiModel } from "../../src/model/openai-model.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
beforeEach(() => stack.model.reset());

interface Outcome {
  readonly pieces: ModelPiece[];
  readonly text: string;
  readonly error: unknown;
}

async function ask(
  options: {
    text?: string;
    tools?: ModelTool[];
    signal?: AbortSignal;
    apiKey?: string;
    onPiece?: (piece: ModelPiece) => void;
    idleMsMax?: number;
  } = {},
): Promise<Outcome> {
  const model = openAiModel({
    baseUrl: stack.modelBaseUrl,
    apiKey: options.apiKey ?? stack.modelApiKey,
    modelName: "offline",
    fetch: (url, init) => fetch(url, init),
    firstByteMsMax: 10_000,
    idleMsMax: options.idleMsMax ?? 10_000,
  });
  const pieces: ModelPiece[] = [];
  let error: unknown;
  try {
    const answer = model.stream({
      messages: [{ role: "user", content: options.text ?? "hello" }],
      tools: options.tools ?? [],
      signal: options.signal ?? new AbortController().signal,
    });
    for await (const piece of answer) {
      pieces.push(piece);
      options.onPiece?.(piece);
    }
  } catch (thrown) {
    error = thrown;
  }
  const escaped = pieces.map((piece) => (piece.kind === "text" ? piece.escaped : "")).join("");
  return { pieces, text: JSON.parse(`"${escaped}"`) as string, error };
}

describe("the chat completions client against the offline model", () => {
  test("receives the whole text, the finish reason and the usage", async () => {
    const text = 'Grüße, "quoted" \\ and\na new line 😀';
    stack.model.script({ kind: "reply", text });
    const answer = await ask();
    expect(answer.error).toBeUndefined();
    expect(answer.text).toBe(text);
    expect(answer.pieces.at(-1)).toMatchObject({
      kind: "end",
      finishReason: "stop",
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
    });
  });

  test("receives an answer of many tiny chunks whole", async () => {
    stack.model.script({ kind: "tiny-chunks", count: 300 });
    const answer = await ask();
    expect(answer.error).toBeUndefined();
    expect(answer.text.length).toBeGreaterThanOrEqual(300);
  });

  test("receives tool calls whole and ends with the tool-calls reason", async () => {
    const calls = [
      { name: "weather", arguments: { city: "Köln" } },
      { name: "weather", arguments: { city: "Oslo" } },
    ];
    stack.model.script({ kind: "tool-calls", calls });
    const tool = { name: "weather", description: "tells it", inputSchema: { type: "object" } };
    const answer = await ask({ tools: [tool] });
    const made = answer.pieces.flatMap((piece) => (piece.kind === "tool-call" ? [piece.call] : []));
    expect(made.map((call) => ({ name: call.name, arguments: JSON.parse(call.argumentsJson) as unknown }))).toEqual(
      calls,
    );
    expect(new Set(made.map((call) => call.id)).size).toBe(2);
    expect(answer.pieces.at(-1)).toMatchObject({ kind: "end", finishReason: "tool-calls" });
  });

  test("passes on the wait of a rate limit", async () => {
    stack.model.script({ kind: "rate-limited", retryAfterSeconds: 7 });
    const { error } = await ask();
    expect(error).toMatchObject({ code: "model_rate_limited", retryAfterMs: 7_000 });
  });

  test("calls a wrong key rejected", async () => {
    expect((await ask({ apiKey: "wrong" })).error).toMatchObject({ code: "model_rejected" });
  });

  test.each([
    ["server-error", "model_unavailable"],
    ["empty", "model_unavailable"],
    ["garbage", "model_garbled"],
  ] as const)("sorts %s as %s", async (kind, code) => {
    stack.model.script({ kind });
    const { error, text } = await ask();
    expect(error).toMatchObject({ code });
    expect(text).toBe("");
  });

  test.each(["cut", "half"] as const)("keeps the text of an answer that is %s, and fails", async (kind) => {
    stack.model.script({ kind, afterChunks: 3 });
    const { error, text, pieces } = await ask();
    expect(error).toMatchObject({ code: "model_unavailable" });
    expect(text).not.toBe("");
    expect(pieces.every((piece) => piece.kind === "text")).toBe(true);
  });

  test("gives up on an answer that stalls", async () => {
    stack.model.script({ kind: "stall", afterChunks: 3 });
    const { error, text } = await ask({ idleMsMax: 50 });
    expect(error).toMatchObject({ code: "model_unavailable" });
    expect(text).not.toBe("");
  });

  test("rejects with the abort reason, and the model sees the caller leave", async () => {
    stack.model.script({ kind: "stall", afterChunks: 3 });
    const stop = new AbortController();
    const reason = new Error("stopped by the user");
    const { error } = await ask({ signal: stop.signal, onPiece: () => stop.abort(reason) });
    expect(error).toBe(reason);
    await expect.poll(() => stack.model.requests().at(-1)?.outcome).toBe("aborted");
  });
});
