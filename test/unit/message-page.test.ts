import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatMessageCursor, pageOfMessages, parseMessageCursor } from "../../src/memory/message-page.ts";
import { anyConversation, longConversation } from "../support/conversations.ts";

describe("pages of messages", () => {
  it("from the newest to the oldest hold each message once, each page in order", () => {
    fc.assert(
      fc.property(anyConversation, fc.integer({ min: 1, max: 7 }), (messages, count) => {
        const pages = [];
        let page = pageOfMessages(messages, { before: undefined, count });
        for (pages.unshift(page.messages); page.next !== undefined; pages.unshift(page.messages)) {
          const before = parseMessageCursor(formatMessageCursor(page.next));
          expect(before).toEqual(page.next);
          page = pageOfMessages(messages, { before, count });
          expect(page.messages.length).toBeGreaterThan(0);
        }
        expect(pages.flat()).toEqual(messages);
      }),
    );
  });

  it("go on where they were when messages came in between", () => {
    const messages = longConversation(4, 10);
    const { next } = pageOfMessages(messages.slice(0, 6), { before: undefined, count: 2 });
    const page = pageOfMessages(messages, { before: next, count: 2 });
    expect(page.messages.map(({ id }) => id)).toEqual(["q1", "a1"]);
  });

  it("go on by time when their place is gone, and end where everything older is gone", () => {
    const messages = longConversation(4, 10);
    const gone = pageOfMessages(messages, { before: { id: "gone", at: 4 }, count: 2 });
    expect(gone.messages.map(({ id }) => id)).toEqual(["q1", "a1"]);
    expect(pageOfMessages(messages, { before: { id: "gone", at: 0 }, count: 2 })).toEqual({
      messages: [],
      next: undefined,
    });
    expect(pageOfMessages(messages, { before: { id: "gone", at: 99 }, count: 2 }).messages.map(({ id }) => id)).toEqual(
      ["q3", "a3"],
    );
    expect(pageOfMessages([], { before: undefined, count: 2 })).toEqual({ messages: [], next: undefined });
  });

  it.each(["", "x", "1", "1-", "-m", "1-a b", "1-a/b", `1-${"x".repeat(129)}`, "1234567890123456-m"])(
    "are not to be had before %j",
    (text) => {
      expect(parseMessageCursor(text)).toBeUndefined();
    },
  );
});
