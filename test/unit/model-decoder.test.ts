import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ModelPiece } from "../../src/agent/model-port.ts";
import { createAnswerDecoder } from "../../src/model/answer-decoder.ts";

/** An answer without its cut into pieces: what must not depend on chunking. */
interface Answer {
  readonly text: string;
  readonly others: readonly ModelPiece[];
  readonly failure: string | undefined;
}

function decode(chunks: readonly Uint8Array[]): Answer {
  const decoder = createAnswerDecoder();
  const pieces = [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.finish()];
  const escaped = pieces.map((piece) => (piece.kind === "text" ? piece.escaped : "")).join("");
  return {
    text: JSON.parse(`"${escaped}"`) as string,
    others: pieces.filter((piece) => piece.kind !== "text"),
    failure: decoder.failure?.code,
  };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const stream = (...payloads: string[]): Uint8Array[] => [
  bytesOf(payloads.map((payload) => `data: ${payload}\n\n`).join("")),
];

/** How providers write one text delta; `$` is the content, `#` a padding of changing length. */
const shapes = {
  openai: `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","choices":[{"index":0,"delta":{"content":$},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"#"}`,
  groq: `{"id":"c1","choices":[{"index":0,"delta":{"content":$},"logprobs":null,"finish_reason":null}]}`,
  vllm: `{"id":"c1","choices":[{"index":0,"delta":{"content":$,"tool_calls":[]},"logprobs":null,"finish_reason":null,"token_ids":null}]}`,
  ollama: `{"id":"chatcmpl-1","created":17,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":$},"finish_reason":null}]}`,
  openrouter: `{"id":"gen-1","provider":"X","choices":[{"index":0,"delta":{"role":"assistant","content":$},"finish_reason":null,"native_finish_reason":null}]}`,
  workersAi: `{"id":"w1","choices":[{"delta":{"role":null,"content":$},"finish_reason":null,"index":0}],"p":"#"}`,
  spaced: `{"choices": [{"finish_reason": null, "delta": {"content": $}}], "id": "s1"}`,
  decoys: `{"id":"d","note":{"content":"no"},"choices":[{"delta":{"content":"no","content":$}}],"finish":"#"}`,
  usageEachTime: `{"choices":[{"delta":{"content":$}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
  finished: `{"choices":[{"delta":{"content":$},"finish_reason":"stop"}]}`,
  padsItsReason: `{"choices":[{"delta":{"content":$}}],"error":null,"object":"#"}`,
} as const;

const contents = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u00e9"', '"\\ud83d"', '"\\ude00"', '"\\/"', '"\\"content\\":\\""', '"😀 ü"', '"a\u2028b"'),
  // Not valid JSON strings, whose lines are garbled.
  fc.constantFrom('"\\x"', '"\\u12g4"', '"\u0001"', '"\t"', '"a"b"', "null", "12", '"'),
);
const textLine = fc
  .tuple(fc.constantFrom(...Object.values(shapes)), contents, fc.stringMatching(/^[a-zA-Z0-9"\\]{0,6}$/))
  .map(([shape, content, padding]) => shape.replace("$", () => content).replace("#", () => padding))
  .map((json) => `data: ${json}`);
const otherLine = fc.constantFrom(
  ": OPENROUTER PROCESSING",
  "event: message",
  "data:",
  "data: [DONE]",
  "data: nonsense",
  'data: {"choices":[{"delta":{},"finish_reason":"length"}]}',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}',
  'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t1","function":{"name":"f","arguments":"{\\"a\\""}}]}}]}',
  'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}',
  'data: {"error":{"message":"overloaded","code":429}}',
);
const lineEnds = fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "\r\r");
/** Runs of one shape, as a provider sends them. */
const runs = fc
  .tuple(fc.constantFrom(...Object.values(shapes)), fc.array(contents, { minLength: 1, maxLength: 6 }), lineEnds)
  .map(([shape, all, end]) =>
    all.map((content, at) => `data: ${shape.replace("$", () => content).replace("#", "x".repeat(at))}${end}`).join(""),
  );
const anyStream = fc
  .array(
    fc.oneof(
      runs,
      fc.tuple(fc.oneof(textLine, otherLine), lineEnds).map((pair) => pair.join("")),
    ),
    { maxLength: 8 },
  )
  .map((lines) => lines.join(""));

describe("the decoder of an answer", () => {
  test("reads the same however the bytes are cut", () => {
    fc.assert(
      fc.property(anyStream, fc.array(fc.nat(2_000), { maxLength: 30 }), fc.boolean(), (text, cuts, isCut) => {
        const all = bytesOf(text);
        const whole = isCut ? all.subarray(0, (cuts[0] ?? 0) % (all.length + 1)) : all;
        expect(decode(cutAt(whole, cuts))).toEqual(decode([whole]));
      }),
      { numRuns: 1_500 },
    );
  });

  for (const [provider, shape] of Object.entries(shapes)) {
    test(`reads ${provider} byte by byte as it reads it whole`, () => {
      const lines = ["a", 'q"\\\n', "😀", "\u2028ü", ""].map((text, at) =>
        shape.replace("$", () => JSON.stringify(text)).replace("#", "p".repeat(at)),
      );
      const bytes = bytesOf([...lines, "[DONE]"].map((line) => `data: ${line}\r\n\r\n`).join(""));
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
      expect(decode(single)).toEqual(decode([bytes]));
      expect(decode(single).text).toBe('aq"\\\n😀\u2028ü');
    });
  }

  test("merges all text of one network chunk into one piece", () => {
    const line = (text: string) => `data: ${shapes.groq.replace("$", JSON.stringify(text))}\n\n`;
    const decoder = createAnswerDecoder();
    expect(decoder.push(bytesOf(line("a") + line("b\n") + line("c")))).toEqual([{ kind: "text", escaped: "ab\\nc" }]);
  });

  test("says of a failure in the middle of an answer its type and code, and not what the provider repeats", () => {
    const decoder = createAnswerDecoder();
    decoder.push(bytesOf('data: {"error":{"message":"sk-key and the text","type":"a_type","code":"a_code"}}\n\n'));
    expect(decoder.failure?.message).toBe("The model failed in the middle of its answer: a_type, a_code");
  });

  test("hands out the text before a failure in the same chunk", () => {
    const answer = decode(stream(shapes.groq.replace("$", '"before"'), "{broken"));
    expect(answer).toEqual({ text: "before", others: [], failure: "model_garbled" });
  });

  test("does not take a half answer for a whole one", () => {
    const [half = new Uint8Array()] = stream(shapes.groq.replace("$", '"half"'));
    expect(decode([half]).failure).toBe("model_unavailable");
    expect(decode([half.subarray(0, half.length - 9)]).failure).toBe("model_unavailable");
    expect(decode([]).failure).toBe("model_unavailable");
  });

  test("tells an answer that is no event stream from a cut one", () => {
    expect(decode([bytesOf("<html>\n<p>hello</p>\n")]).failure).toBe("model_garbled");
    expect(decode([bytesOf('{"error":"no"}')]).failure).toBe("model_garbled");
  });

  test("ends by a finish reason alone, with the usage that follows it", () => {
    const answer = decode(
      stream(shapes.finished.replace("$", '"all"'), `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`),
    );
    expect(answer).toEqual({
      text: "all",
      others: [{ kind: "end", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 4 } }],
      failure: undefined,
    });
  });

  test("refuses a line without end", () => {
    const block = bytesOf("x".repeat(300_000));
    expect(decode([bytesOf("data: "), block, block, block, block]).failure).toBe("model_garbled");
  });
});

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, at) => bytes.slice(at === 0 ? 0 : ends[at - 1], end));
}
