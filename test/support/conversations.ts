/** Messages as conversations have them, made up and by chance. */
import * as fc from "fast-check";
import { userMessage, type Message, type MessagePart } from "../../src/memory/message.ts";

export function answer(id: string, replyTo: string, parts: MessagePart[], at = 2): Message {
  return { id, role: "assistant", parts, metadata: { at, replyTo, state: "complete" } };
}

export function textPart(text: string): MessagePart {
  return { type: "text", text };
}

export function toolPart(toolCallId: string, input: unknown, output: unknown): MessagePart {
  return { type: "tool-calculator", state: "output-available", toolCallId, input, output };
}

/** Question and answer, `turns` times, each of about `chars` characters. */
export function longConversation(turns: number, chars: number): Message[] {
  return Array.from({ length: turns }, (_, index) => [
    userMessage(`q${index}`, `question ${index} `.padEnd(chars, "q"), index * 2),
    answer(
      `a${index}`,
      `q${index}`,
      [{ type: "step-start" }, textPart(`answer ${index} `.padEnd(chars, "a"))],
      index * 2 + 1,
    ),
  ]).flat();
}

const words = fc.string({ maxLength: 200, unit: fc.constantFrom("a", "b ", "é", "雪", "🙂", "\n") });
const step = fc.record({ text: words, calls: fc.array(fc.record({ input: words, output: words }), { maxLength: 3 }) });

/** Conversations of any shape: with tools, with answers of many steps, with gaps. */
export const anyConversation: fc.Arbitrary<Message[]> = fc
  .array(fc.record({ question: words, steps: fc.array(step, { maxLength: 4 }) }), { maxLength: 12 })
  .map((turns) =>
    turns.flatMap(({ question, steps }, turn) => {
      const parts = steps.flatMap(({ text, calls }, index): MessagePart[] => [
        { type: "step-start" },
        textPart(text),
        ...calls.map(({ input, output }, call) => toolPart(`t${turn}-${index}-${call}`, { input }, { output })),
      ]);
      const asked = userMessage(`q${turn}`, question, turn * 2);
      return parts.length === 0 ? [asked] : [asked, answer(`a${turn}`, `q${turn}`, parts, turn * 2 + 1)];
    }),
  );
