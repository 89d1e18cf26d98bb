import { describe, expect, it } from "vitest";
import { fenceOutput } from "../../src/agent/fence.ts";
import { toModelMessages } from "../../src/agent/transcript.ts";
import { foldMessages, userMessage, type Message } from "../../src/memory/message.ts";

function answer(id: string, replyTo: string, text: string): Message {
  return {
    id,
    role: "assistant",
    parts: [{ type: "step-start" }, { type: "text", text }],
    metadata: { at: 2, replyTo, state: "complete" },
  };
}

const texts = (messages: readonly Message[]): string[] =>
  messages.map((message) => `${message.id}:${JSON.stringify(message.parts.at(-1))}`);

describe("a conversation's messages", () => {
  it("come in the order in which they were written", () => {
    const entries = [userMessage("a", "one", 1), answer("b", "a", "two"), userMessage("c", "three", 3)].map((m) =>
      JSON.stringify(m),
    );
    expect(foldMessages(entries).map((message) => message.id)).toEqual(["a", "b", "c"]);
  });

  it("count once by id, the first one being the message", () => {
    const entries = [answer("b", "a", "stopped here"), answer("b", "a", "written by a writer that was superseded")].map(
      (m) => JSON.stringify(m),
    );
    expect(texts(foldMessages(entries))).toEqual(['b:{"type":"text","text":"stopped here"}']);
  });

  it("keep the last of several answers to one message", () => {
    const entries = [userMessage("a", "q", 1), answer("b", "a", "first"), answer("c", "a", "again")].map((m) =>
      JSON.stringify(m),
    );
    expect(foldMessages(entries).map((message) => message.id)).toEqual(["a", "c"]);
  });

  it.each(["", "{", "null", "[]", '{"id":1}', '{"id":"x","role":"system","parts":[],"metadata":{"at":1}}'])(
    "leave out the entry %j",
    (entry) => {
      expect(foldMessages([entry, JSON.stringify(userMessage("a", "q", 1))]).map((message) => message.id)).toEqual([
        "a",
      ]);
    },
  );
});

describe("the model's transcript", () => {
  it("has one assistant message for each step, followed by its tools' results", () => {
    const turn: Message = {
      id: "b",
      role: "assistant",
      metadata: { at: 2 },
      parts: [
        { type: "step-start" },
        { type: "text", text: "let me see" },
        {
          type: "tool-calculator",
          state: "output-available",
          toolCallId: "t1",
          input: { expression: "6*7" },
          output: { value: 42 },
        },
        { type: "tool-time", state: "output-error", toolCallId: "t2", input: {}, errorText: "no such zone" },
        { type: "step-start" },
        { type: "text", text: "42" },
      ],
    };
    expect(toModelMessages([userMessage("a", "6*7?", 1), turn])).toEqual([
      { role: "user", content: "6*7?" },
      {
        role: "assistant",
        content: "let me see",
        toolCalls: [
          { id: "t1", name: "calculator", argumentsJson: '{"expression":"6*7"}' },
          { id: "t2", name: "time", argumentsJson: "{}" },
        ],
      },
      { role: "tool", toolCallId: "t1", content: fenceOutput({ value: 42 }) },
      { role: "tool", toolCallId: "t2", content: fenceOutput({ error: "no such zone" }) },
      { role: "assistant", content: "42" },
    ]);
  });
});
