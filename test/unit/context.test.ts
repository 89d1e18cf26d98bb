/** What a model is told of a conversation, within a budget. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toModelMessages } from "../../src/agent/transcript.ts";
import { planCompaction } from "../../src/memory/compaction.ts";
import { buildContext } from "../../src/memory/context.ts";
import { userMessage, type Message } from "../../src/memory/message.ts";
import { foldConversation, formatSummary, messagesAfter, type Summary } from "../../src/memory/summary.ts";
import { estimateTokens, isOver } from "../../src/memory/tokens.ts";
import { answer, anyConversation, longConversation, textPart, toolPart } from "../support/conversations.ts";

const budget = fc.integer({ min: 0, max: 2_000 });
const knowledge = fc.array(fc.record({ key: fc.string({ maxLength: 20 }), value: fc.string({ maxLength: 200 }) }), {
  maxLength: 10,
});

function summaryOf(messages: readonly Message[], index: number, text: string): Summary | undefined {
  const message = messages[index];
  return message && { upTo: message.id, upToAt: message.metadata.at, text };
}

/** What the model gets, call by call. */
const callsOf = (messages: readonly Message[]): string[] =>
  toModelMessages(messages).flatMap(({ toolCalls = [] }) => toolCalls.map(({ id }) => id));
const resultsOf = (messages: readonly Message[]): string[] =>
  toModelMessages(messages).flatMap(({ toolCallId }) => toolCallId ?? []);

describe("an estimate of tokens", () => {
  it.each([
    ["", 0],
    ["abcd", 1],
    ["abcde", 2],
    ["雪が降る", 4],
    ["naïve", 2],
    ["🙂", 2],
  ])("of %j is %i", (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });

  it("grows with the text, and says whether it is over a limit", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), fc.nat(50), (a, b, limit) => {
        expect(estimateTokens(a + b)).toBeGreaterThanOrEqual(estimateTokens(a));
        expect(isOver(a, limit)).toBe(estimateTokens(a) > limit);
      }),
    );
  });
});

describe("a context", () => {
  it("keeps its budget, whatever the conversation", () => {
    fc.assert(
      fc.property(
        anyConversation,
        knowledge,
        budget,
        fc.nat(20),
        fc.string(),
        (messages, known, budgetTokens, at, text) => {
          const summary = summaryOf(messages, at, text);
          const context = buildContext({ messages, knowledge: known, summary, budgetTokens });
          expect(context.tokens).toBeLessThanOrEqual(budgetTokens);
          const told = toModelMessages(context.messages).flatMap(({ content, toolCalls = [] }) => [
            content ?? "",
            ...toolCalls.map(({ argumentsJson }) => argumentsJson),
          ]);
          const spent = [...told, context.summary ?? "", ...context.knowledge.map((thing) => JSON.stringify(thing))];
          expect(spent.reduce((sum, part) => sum + estimateTokens(part), 0)).toBeLessThanOrEqual(budgetTokens);
        },
      ),
    );
  });

  it("holds the end of the conversation without a gap, and is the same for the same input", () => {
    fc.assert(
      fc.property(anyConversation, budget, (messages, budgetTokens) => {
        const context = buildContext({ messages, budgetTokens });
        expect(buildContext({ messages, budgetTokens })).toEqual(context);
        const all = toModelMessages(messages);
        const told = toModelMessages(context.messages);
        expect(told).toEqual(all.slice(all.length - told.length));
        if (context.isWhole) expect(context.messages).toEqual(messages);
        else expect(told.length).toBeLessThan(all.length);
      }),
    );
  });

  it("has a result for each call, and a call for each result", () => {
    fc.assert(
      fc.property(anyConversation, budget, (messages, budgetTokens) => {
        const context = buildContext({ messages, budgetTokens });
        expect(resultsOf(context.messages)).toEqual(callsOf(context.messages));
      }),
    );
  });

  it("with more budget never holds fewer messages", () => {
    fc.assert(
      fc.property(anyConversation, budget, fc.nat(200), (messages, budgetTokens, more) => {
        const less = buildContext({ messages, budgetTokens });
        const greater = buildContext({ messages, budgetTokens: budgetTokens + more });
        expect(toModelMessages(greater.messages).length).toBeGreaterThanOrEqual(toModelMessages(less.messages).length);
      }),
    );
  });

  it("leaves out what the summary tells of, and is whole then", () => {
    const messages = longConversation(6, 400);
    const summary = summaryOf(messages, 9, "They talked.");
    const context = buildContext({ messages, summary, budgetTokens: 400 });
    expect(context).toMatchObject({ summary: "They talked.", isWhole: true });
    expect(context.messages.map(({ id }) => id)).toEqual(["q5", "a5"]);
    expect(buildContext({ messages, budgetTokens: 400 }).isWhole).toBe(false);
  });

  it("does without a summary that would take too much", () => {
    const messages = longConversation(1, 40);
    const summary = summaryOf(messages, 0, "x".repeat(400));
    expect(buildContext({ messages, summary, budgetTokens: 200 })).toMatchObject({ summary: undefined, isWhole: true });
  });

  it("tells the most helpful knowledge first, in its share, and leaves out what is too large", () => {
    const things = [
      { key: "a", value: "x".repeat(40) },
      { key: "huge", value: "x".repeat(4_000) },
      { key: "b", value: { nested: [1, 2] } },
    ];
    const context = buildContext({ messages: [], knowledge: things, budgetTokens: 200 });
    expect(context.knowledge.map(({ key }) => key)).toEqual(["a", "b"]);
    expect(buildContext({ messages: [], knowledge: things, budgetTokens: 0 })).toMatchObject({
      knowledge: [],
      tokens: 0,
    });
  });

  it("begins within an answer where only its last steps fit", () => {
    const steps = [
      { type: "step-start" as const },
      textPart("first ".repeat(100)),
      toolPart("t1", {}, "x".repeat(2_000)),
      { type: "step-start" as const },
      textPart("second"),
      toolPart("t2", {}, 1),
      { type: "step-start" as const },
      textPart("third"),
    ];
    const messages = [userMessage("q", "why?", 1), answer("a", "q", steps)];
    const context = buildContext({ messages, budgetTokens: 60 });
    expect(callsOf(context.messages)).toEqual(["t2"]);
    expect(context.messages[0]).toMatchObject({ id: "a", role: "assistant" });
  });
});

describe("a compaction", () => {
  it("is not wanted while the conversation fits well", () => {
    const messages = longConversation(10, 200);
    expect(planCompaction({ messages, summary: undefined, budgetTokens: 10_000 })).toBeUndefined();
    expect(planCompaction({ messages: [], summary: undefined, budgetTokens: 0 })).toBeUndefined();
  });

  it("is wanted before the budget is used up, and then nobody needs to wait for it", () => {
    const messages = longConversation(10, 400);
    const plan = planCompaction({ messages, summary: undefined, budgetTokens: 2_500 })!;
    expect(plan.isUrgent).toBe(false);
    expect(plan.upTo).toMatch(/^a/);
    expect(plan.messages.at(-1)?.id).toBe(plan.upTo);
  });

  it("is urgent when something would be left out", () => {
    const messages = longConversation(10, 400);
    expect(planCompaction({ messages, summary: undefined, budgetTokens: 1_000 })).toMatchObject({ isUrgent: true });
  });

  it("makes everything fit, and leaves what stays as it is, from a message of the user on", () => {
    fc.assert(
      fc.property(anyConversation, fc.integer({ min: 100, max: 1_500 }), (messages, budgetTokens) => {
        const plan = planCompaction({ messages, summary: undefined, budgetTokens });
        if (plan === undefined) {
          expect(buildContext({ messages, budgetTokens }).isWhole).toBe(true);
          return;
        }
        expect(messages.slice(0, plan.messages.length)).toEqual(plan.messages);
        const summary = { upTo: plan.upTo, upToAt: plan.upToAt, text: "short" };
        const rest = messagesAfter(summary, messages);
        expect([...plan.messages, ...rest]).toEqual(messages);
        expect(rest[0]?.role ?? "user").toBe("user");
        expect(buildContext({ messages, summary, budgetTokens }).isWhole).toBe(true);
        expect(planCompaction({ messages, summary, budgetTokens })).toBeUndefined();
      }),
    );
  });

  it("takes up where the last one ended", () => {
    const messages = longConversation(20, 400);
    const summary = summaryOf(messages, 19, "so far");
    const plan = planCompaction({ messages, summary, budgetTokens: 2_000 })!;
    expect(plan.messages[0]?.id).toBe("q10");
  });
});

describe("a stored summary", () => {
  const messages = longConversation(3, 20);
  const entries = messages.map((message) => JSON.stringify(message));
  const at = (index: number, text: string): string => formatSummary(summaryOf(messages, index, text)!);

  it("stands among the messages and is none of them", () => {
    const memory = foldConversation([...entries, at(1, "short")]);
    expect(memory.messages).toEqual(messages);
    expect(memory.summary).toMatchObject({ upTo: "a0", text: "short", isFading: false });
  });

  it("counts when it reaches furthest, and the first of two that reach equally far", () => {
    const late = foldConversation([...entries, at(3, "far"), at(1, "a stale writer's")]);
    expect(late.summary).toMatchObject({ upTo: "a1", text: "far" });
    expect(foldConversation([...entries, at(3, "first"), at(3, "second")]).summary?.text).toBe("first");
  });

  it("is written once more before the list drops it, and its copy is as good", () => {
    const filler = Array.from({ length: 61 }, (_, index) => JSON.stringify(userMessage(`f${index}`, "x", 100 + index)));
    expect(foldConversation([at(1, "old"), ...filler]).summary?.isFading).toBe(true);
    expect(foldConversation([at(1, "old"), ...filler, at(1, "old")]).summary).toMatchObject({
      text: "old",
      isFading: false,
    });
  });

  it("still says what comes after it when its last message is gone", () => {
    const summary = { upTo: "gone", upToAt: 2, text: "x" };
    expect(messagesAfter(summary, messages).map(({ id }) => id)).toEqual(["a1", "q2", "a2"]);
  });

  it.each(['{"type":"summary"', '{"type":"summary","upTo":1}', '{"type":"summary"}'])(
    "that cannot be read (%s) is none",
    (entry) => {
      expect(foldConversation([...entries, entry])).toEqual({ messages, summary: undefined });
    },
  );
});
