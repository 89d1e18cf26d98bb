/** The Worker's process dies in the middle of an answer; no browser is needed to see what its clients get. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { sessionOf } from "../support/secret-lines.ts";
import { uiChunks } from "../support/sse.ts";
import { chatBody } from "../support/test-app.ts";
import { killWorkerd } from "./kill-workerd.ts";
import { startWatchedApp, type WatchedApp } from "./watched-app.ts";

let stack: RunningStack;
let app: WatchedApp;
beforeAll(async () => {
  stack = await startStack();
  app = await startWatchedApp(stack);
});
afterAll(async () => {
  await app.close();
  await stack.close();
});

const words = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");

describe("a workerd killed in the middle of two answers", () => {
  it(
    "loses nothing: one is taken up by its reader, the other, to which nobody comes back, by the sweep and the queue",
    { timeout: 150_000 },
    async () => {
      const opened = await fetch(`${app.url}/api/sessions`, { method: "POST" });
      const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
      app.noteSecret(sessionOf(cookie));
      stack.model.script(
        { kind: "slow", text: words, msPerChunk: 60, times: 2 },
        { kind: "reply", text: words, times: 4 },
      );
      const answers = [await ask(cookie, "read"), await ask(cookie, "left")];
      const cutOff = answers.map((answer) => uiChunks(answer).catch((error: unknown) => error));
      await expect.poll(() => stack.ledger.read().byCommand["PUBLISH"] ?? 0, { timeout: 20_000 }).toBeGreaterThan(3);
      killWorkerd();
      for (const end of cutOff) expect(await end).toBeInstanceOf(Error);

      await expect.poll(() => resume(cookie, "read"), { timeout: 100_000, interval: 500 }).toBe("finish");
      expect(await textsOf(cookie, "read")).toEqual(["Say the words", words]);
      await expect
        .poll(() => sweepAndLook(cookie, "left"), { timeout: 100_000, interval: 1_000 })
        .toEqual(["Say the words", words]);
      expect(stack.ledger.read().byUrl[`${app.url}/api/engine/continue-turn`]).toBeGreaterThan(0);
    },
  );

  function ask(cookie: string, conversationId: string): Promise<Response> {
    return fetch(`${app.url}/api/chat`, {
      method: "POST",
      headers: { cookie, "content-type": "application/json" },
      body: JSON.stringify(chatBody(conversationId, "m1", "Say the words")),
    });
  }

  /** How a reader that resumes now sees the turn end; `undefined` while it cannot be followed to its end. */
  async function resume(cookie: string, conversationId: string): Promise<string | undefined> {
    try {
      const response = await fetch(`${app.url}/api/chat/${conversationId}/stream`, { headers: { cookie } });
      return response.status === 200 ? (await uiChunks(response)).at(-1)?.type : undefined;
    } catch {
      return undefined;
    }
  }

  async function textsOf(cookie: string, conversationId: string): Promise<string[]> {
    const response = await fetch(`${app.url}/api/conversations/${conversationId}/messages`, { headers: { cookie } });
    const { messages } = (await response.json()) as { messages: { parts: { text?: string }[] }[] };
    return messages.map((message) => message.parts.map((part) => part.text ?? "").join(""));
  }

  /** What the platform's cron does each minute, and then what memory holds. */
  async function sweepAndLook(cookie: string, conversationId: string): Promise<string[]> {
    await fetch(`${app.url}/cdn-cgi/handler/scheduled`);
    return textsOf(cookie, conversationId);
  }
});
