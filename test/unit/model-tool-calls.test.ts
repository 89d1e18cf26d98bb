import { describe, expect, test } from "vitest";
import type { ModelPiece } from "../../src/agent/model-port.ts";
import { createAnswerDecoder } from "../../src/model/answer-decoder.ts";
import { argumentCharsMax, toolCallsMax } from "../../src/model/model-limits.ts";

function answerOf(deltas: readonly object[], finishReason: string) {
  const decoder = createAnswerDecoder();
  const chunks = [
    ...deltas.map((call) => ({ id: "c7", choices: [{ delta: { tool_calls: [call] }, finish_reason: null }] })),
    { choices: [{ delta: {}, finish_reason: finishReason }] },
  ];
  const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
  const pieces: ModelPiece[] = [...decoder.push(new TextEncoder().encode(text)), ...decoder.finish()];
  return { pieces, failure: decoder.failure?.code };
}

const call = (index: number | undefined, id: string, name: string, text: string): object => ({
  ...(index === undefined ? {} : { index }),
  ...(id === "" ? {} : { id }),
  function: { ...(name === "" ? {} : { name }), arguments: text },
});
const whole = (id: string, name: string, argumentsJson: string): ModelPiece => ({
  kind: "tool-call",
  call: { id, name, argumentsJson },
});

describe("tool calls of an answer", () => {
  test("are put together from deltas that arrive in turns", () => {
    const { pieces } = answerOf(
      [call(0, "a", "first", '{"x"'), call(1, "b", "second", '{"y"'), call(0, "", "", ":1}"), call(1, "", "", ":2}")],
      "tool_calls",
    );
    expect(pieces).toEqual([
      whole("a", "first", '{"x":1}'),
      whole("b", "second", '{"y":2}'),
      { kind: "end", finishReason: "tool-calls" },
    ]);
  });

  test("are told apart by id where a provider numbers all of them 0", () => {
    const { pieces } = answerOf([call(0, "a", "f", "{}"), call(0, "b", "g", "{}")], "stop");
    expect(pieces).toEqual([whole("a", "f", "{}"), whole("b", "g", "{}"), { kind: "end", finishReason: "tool-calls" }]);
  });

  test("get an id of the answer and empty arguments where a provider sends none", () => {
    const { pieces } = answerOf([call(undefined, "", "f", "")], "tool_calls");
    expect(pieces[0]).toEqual(whole("c7-0", "f", "{}"));
  });

  test("are left out when the length limit cut their arguments", () => {
    const { pieces } = answerOf([call(0, "a", "f", "{}"), call(1, "b", "g", '{"x":')], "length");
    expect(pieces).toEqual([whole("a", "f", "{}"), { kind: "end", finishReason: "length" }]);
  });

  test("without a name are garbled", () => {
    expect(answerOf([call(0, "a", "", "{}")], "tool_calls").failure).toBe("model_garbled");
  });

  test("beyond the limits of number and size are garbled", () => {
    const many = Array.from({ length: toolCallsMax + 1 }, (_, at) => call(at, `i${at}`, "f", "{}"));
    expect(answerOf(many, "tool_calls").failure).toBe("model_garbled");
    const long = call(0, "a", "f", "x".repeat(argumentCharsMax + 1));
    expect(answerOf([long], "tool_calls").failure).toBe("model_garbled");
  });
});
