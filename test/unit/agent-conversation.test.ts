import { describe, expect, it } from "vitest";
import { conversationSoFar } from "../../src/agent/run/conversation-so-far.ts";
import { limits } from "../../src/core/limits.ts";
import { userMessage } from "../../src/memory/message.ts";
import { emptyMemory } from "../../src/memory/summary.ts";
import { estimateTokens } from "../../src/memory/tokens.ts";
import { answer, longConversation, textPart, toolPart } from "../support/conversations.ts";

const goal = "Book it";
const asked = userMessage("m9", goal, 9);

describe("what an agent is told of its conversation", () => {
  it("is what was said before its goal, in order, with the words of both", () => {
    const messages = [userMessage("m1", "A table for four", 1), answer("a1", "m1", [textPart("At eight?")]), asked];
    expect(conversationSoFar({ messages, summary: undefined }, goal)).toEqual({
      key: "conversation-so-far",
      value: "user: A table for four\nassistant: At eight?",
    });
  });

  it("is nothing where nothing was said before", () => {
    expect(conversationSoFar(emptyMemory, goal)).toBeUndefined();
    expect(conversationSoFar({ messages: [asked], summary: undefined }, goal)).toBeUndefined();
  });

  it("leaves out answers without words, and what tools were told", () => {
    const messages = [answer("a1", "m1", [toolPart("t1", { secret: "in" }, { secret: "out" })]), asked];
    expect(conversationSoFar({ messages, summary: undefined }, goal)).toBeUndefined();
  });

  it("is the newest that fits, and the summary of what is older", () => {
    const messages = longConversation(40, 800);
    const summary = { upTo: "a30", upToAt: 61, text: "They spoke of tables.", isFading: false };
    const { value } = conversationSoFar({ messages, summary }, goal)!;
    expect(value).toMatch(/^summary of what is older: They spoke of tables\.\n/);
    expect(value).toContain("answer 39");
    expect(value).not.toContain("question 30 ");
    expect(estimateTokens(value)).toBeLessThanOrEqual(limits.agentConversationTokens * 1.1);
  });
});
