/** One fault at each round trip of a turn, before and after its effect: nothing is lost, nothing is doubled, the conversation goes on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textOfChunks, uiChunks } from "../support/sse.ts";
import { inClear, startTestApp, type TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ bindings: inClear });
});
afterAll(() => app.close());

const trips: [string, string][] = [
  ["admission", "session:"],
  ["opening", "workflow-started"],
  ["closing", "workflow-completed"],
];
const actions = ["drop-before", "drop-after", "status", "truncate", "duplicate"] as const;

describe.each(trips)("a fault at the %s", (_name, match) => {
  it.each(actions)("(%s) loses and doubles nothing, once the client has repeated what failed", async (action) => {
    const who = await app.signIn();
    app.stack.model.reset();
    app.stack.model.script({ kind: "reply", text: "the answer", times: 4 });
    app.stack.faults.clear();
    app.stack.faults.add({ server: "redis", match, action, status: 503, truncateBytes: 5, count: 1 });
    const first = await who.chat("c", "m1", "hi");
    const isAnswered = first.status === 200;
    if (isAnswered) await uiChunks(first).catch(() => []);
    else expect(first.status).toBe(503);
    await app.background();
    expect(app.stack.faults.list()).toEqual([]);
    const repeated = await who.chat("c", "m1", "hi");
    expect(repeated.status).toBe(200);
    expect(textOfChunks(await uiChunks(repeated))).toBe("the answer");
    await app.background();
    const { messages } = (await (await who.fetch("/api/conversations/c/messages")).json()) as {
      messages: { parts: { text?: string }[] }[];
    };
    expect(messages.map((message) => message.parts.map((part) => part.text ?? "").join(""))).toEqual([
      "hi",
      "the answer",
    ]);
    expect((await who.fetch("/api/chat/c/stream")).status).toBe(204);
  });
});

describe("a fault in the middle of a long answer", () => {
  it.each(["drop-before", "drop-after", "status"] as const)(
    "(%s at a flush) is not seen by any reader",
    async (action) => {
      const who = await app.signIn();
      const words = Array.from({ length: 30 }, (_, index) => `w${index} `).join("");
      app.stack.model.reset();
      app.stack.model.script({ kind: "slow", text: words, msPerChunk: 40 });
      app.stack.faults.clear();
      app.stack.faults.add({ server: "redis", match: "message-delta", action, status: 500, count: 1 });
      const direct = uiChunks(await who.chat("c", "m1", "hi"));
      const follower = uiChunks(await who.fetch("/api/chat/c/stream"));
      const texts = (await Promise.all([direct, follower])).map(textOfChunks);
      await app.background();
      expect(app.stack.faults.list()).toEqual([]);
      expect(texts).toEqual([words.trim(), words.trim()].map((text) => expect.stringContaining(text)));
      const { messages } = (await (await who.fetch("/api/conversations/c/messages")).json()) as {
        messages: { parts: { text?: string }[] }[];
      };
      expect(messages[1]!.parts.map((part) => part.text ?? "").join("")).toBe(texts[0]);
    },
  );
});
