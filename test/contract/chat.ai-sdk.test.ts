/** The AI SDK's own client, unmodified, against the whole app: what it accepts is what the protocol means. */
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
  caller = await app.signIn();
});
afterAll(() => app.close());

const question = (id: string, text: string): UIMessage => ({ id, role: "user", parts: [{ type: "text", text }] });

function transport(): DefaultChatTransport<UIMessage> {
  return new DefaultChatTransport<UIMessage>({
    api: "http://app.test/api/chat",
    fetch: (input, init) => caller.fetch(new URL(String(input)).pathname, init ?? {}),
  });
}

function send(
  chatId: string,
  messages: UIMessage[],
  trigger: "submit-message" | "regenerate-message" = "submit-message",
) {
  return transport().sendMessages({ chatId, messages, trigger, messageId: undefined, abortSignal: undefined });
}

async function lastMessage(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = message;
  return last!;
}

const textOf = (message: UIMessage): string =>
  message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");

describe("the AI SDK's client", () => {
  it("reads an answer with a tool call as one message with all its parts", async () => {
    const message = await lastMessage(await send("sdk-1", [question("m1", "What is 6 * 7?")]));
    expect(message.parts.map((part) => part.type)).toEqual(["step-start", "tool-calculator", "step-start", "text"]);
    expect(message.parts[1]).toMatchObject({
      state: "output-available",
      input: { expression: "6 * 7" },
      output: { result: "42" },
    });
    expect(textOf(message)).toContain("42");
    await app.background();
    const stored = (await (await caller.fetch("/api/conversations/sdk-1/messages")).json()) as {
      messages: UIMessage[];
    };
    expect(stored.messages[1]).toMatchObject({
      id: message.id,
      parts: message.parts.map((part) => ({ type: part.type })),
    });
  });

  it("resumes a running answer as the same message, whole", async () => {
    app.stack.model.script({ kind: "slow", text: "one two three four five six", msPerChunk: 80 });
    const first = await send("sdk-2", [question("m1", "Count")]);
    const reader = first.getReader();
    await reader.read();
    await reader.cancel();
    const resumed = await transport().reconnectToStream({ chatId: "sdk-2" });
    const message = await lastMessage(resumed!);
    expect(textOf(message)).toBe("one two three four five six");
    await app.background();
    const stored = (await (await caller.fetch("/api/conversations/sdk-2/messages")).json()) as {
      messages: UIMessage[];
    };
    expect(stored.messages.map((entry) => entry.id)).toEqual(["m1", message.id]);
  });

  it("finds nothing to resume where nothing runs", async () => {
    expect(await transport().reconnectToStream({ chatId: "sdk-3" })).toBeNull();
  });

  it("gets a new answer to the same message when it asks to regenerate", async () => {
    app.stack.model.script({ kind: "reply", text: "first" }, { kind: "reply", text: "second" });
    const first = await lastMessage(await send("sdk-4", [question("m1", "Say something")]));
    await app.background();
    const second = await lastMessage(await send("sdk-4", [question("m1", "Say something")], "regenerate-message"));
    await app.background();
    expect([textOf(first), textOf(second)]).toEqual(["first", "second"]);
    const stored = (await (await caller.fetch("/api/conversations/sdk-4/messages")).json()) as {
      messages: UIMessage[];
    };
    expect(stored.messages.map((entry) => entry.id)).toEqual(["m1", second.id]);
  });

  it("is told of a failure in words, without the server's own", async () => {
    app.stack.model.script({ kind: "server-error" });
    await expect(lastMessage(await send("sdk-5", [question("m1", "Hello")]))).rejects.toThrow(
      "The language model did not answer; try again shortly.",
    );
    await app.background();
  });
});
