/** An agent in a chat, as the AI SDK's own `Chat` sees it: its plan is carried out, its questions are answered, over the whole app. */
import { Chat } from "@ai-sdk/react";
import {
  DefaultChatTransport,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type UIMessage,
} from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  caller = await app.signIn();
});
afterAll(() => app.close());

const goal = "Plan and execute a dinner reservation for four tomorrow";

function openChat(id: string, messages: UIMessage[] = []): Chat<UIMessage> {
  return new Chat<UIMessage>({
    id,
    messages,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    transport: new DefaultChatTransport<UIMessage>({
      api: "http://app.test/api/chat",
      fetch: (input, init) => caller.fetch(new URL(String(input)).pathname, init ?? {}),
      prepareSendMessagesRequest: ({ messages: all, trigger, messageId }) => ({
        body: { id, messages: all.slice(-1), trigger, messageId, agentId: "default" },
      }),
    }),
  });
}

function toolStates(chat: Chat<UIMessage>): string[] {
  return (chat.messages.at(-1)?.parts ?? []).filter(isToolUIPart).map(({ type, state }) => `${type.slice(5)} ${state}`);
}

function toolInputs(message: UIMessage | undefined): unknown[] {
  return (message?.parts ?? []).filter(isToolUIPart).map(({ input }) => input);
}

function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
}

/** What the restaurants did since `before`. */
function effects(before: number): string[] {
  return app.stack.restaurant
    .read()
    .effects.slice(before)
    .map(({ kind }) => kind);
}

async function askForDinner(id: string): Promise<{ chat: Chat<UIMessage>; before: number; approvalId: string }> {
  const before = app.stack.restaurant.read().effects.length;
  const chat = openChat(id);
  await chat.sendMessage({ text: goal });
  await app.background();
  expect(toolStates(chat)).toEqual([
    "restaurant_search output-available",
    "restaurant_reserve output-available",
    "restaurant_charge_deposit approval-requested",
  ]);
  return { chat, before, approvalId: approvalIdIn(chat) };
}

function approvalIdIn(chat: Chat<UIMessage>): string {
  const part = chat.messages.at(-1)!.parts.findLast((each) => isToolUIPart(each))!;
  if (part.state !== "approval-requested") throw new Error(`nothing is asked: ${part.state}`);
  return part.approval.id;
}

async function answered(chat: Chat<UIMessage>): Promise<void> {
  await expect
    .poll(() => [chat.status, textOf(chat.messages.at(-1)) !== ""], { timeout: 20_000 })
    .toEqual(["ready", true]);
  await app.background();
}

async function stored(id: string): Promise<UIMessage[]> {
  const response = await caller.fetch(`/api/conversations/${id}/messages`);
  return ((await response.json()) as { messages: UIMessage[] }).messages;
}

describe("a dinner that an agent books in a chat", () => {
  it("waits for its user's word before it takes money, and is one answer in the end", async () => {
    const { chat, before, approvalId } = await askForDinner("approved");
    expect(effects(before)).toEqual(["reserved"]);
    await chat.addToolApprovalResponse({ id: approvalId, approved: true });
    await answered(chat);
    expect(chat.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(toolStates(chat).at(-1)).toBe("restaurant_notify output-available");
    expect(textOf(chat.messages[1])).toContain("The deposit is paid");
    expect(effects(before)).toEqual(["reserved", "charged", "notified"]);
    const kept = await stored("approved");
    expect(kept.map(({ id }) => id)).toEqual(chat.messages.map(({ id }) => id));
    expect(textOf(kept[1])).toBe(textOf(chat.messages[1]));
    expect(toolInputs(kept[1])).toEqual(toolInputs(chat.messages[1]));
    expect(JSON.stringify(kept[1])).not.toContain("$from");
  });

  it("goes on without the money when the user denies it, and says why", async () => {
    const { chat, before, approvalId } = await askForDinner("denied");
    await chat.addToolApprovalResponse({ id: approvalId, approved: false, reason: "Too dear." });
    await answered(chat);
    expect(toolStates(chat)).toContain("restaurant_charge_deposit output-denied");
    expect(textOf(chat.messages[1])).toContain("Too dear.");
    expect(effects(before)).not.toContain("charged");
  });

  it("asks the same again in another window, which may answer", async () => {
    const { approvalId, before } = await askForDinner("two-windows");
    const other = openChat("two-windows", await stored("two-windows"));
    await other.resumeStream();
    expect(approvalIdIn(other)).toBe(approvalId);
    await other.addToolApprovalResponse({ id: approvalId, approved: true });
    await answered(other);
    expect(effects(before)).toEqual(["reserved", "charged", "notified"]);
  });

  it("is answered once: a second word changes nothing", async () => {
    const { chat, before, approvalId } = await askForDinner("twice");
    await chat.addToolApprovalResponse({ id: approvalId, approved: false });
    await answered(chat);
    const late = await caller.post("/api/chat", {
      id: "twice",
      agentId: "default",
      messages: [
        {
          role: "assistant",
          parts: [{ type: "tool-x", state: "approval-responded", approval: { id: approvalId, approved: true } }],
        },
      ],
    });
    expect(late.status).toBe(200);
    await late.text();
    await app.settled();
    expect(effects(before)).not.toContain("charged");
  });

  it("cannot be approved or denied by another user who knows the id, whatever conversation they name", async () => {
    const { before, approvalId } = await askForDinner("not-theirs");
    const [runId = ""] = approvalId.split(".");
    const waiting = await (await caller.fetch(`/api/runs/${runId}`)).json();
    const parts = [true, false].map((approved) => [
      { type: "tool-x", state: "approval-responded", approval: { id: approvalId, approved } },
    ]);
    for (const stranger of [await app.signIn(), await app.signInAs({ tenant: "other" })]) {
      for (const [index, of] of parts.entries()) {
        const body = { id: index === 0 ? "not-theirs" : "mine", messages: [{ role: "assistant", parts: of }] };
        const response = await stranger.post("/api/chat", body);
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ code: "not_found" });
      }
    }
    await app.settled();
    expect(await (await caller.fetch(`/api/runs/${runId}`)).json()).toEqual(waiting);
    expect(waiting).toMatchObject({ status: "waiting" });
    expect(effects(before)).toEqual(["reserved"]);
  });

  it("is undone when the user stops it", async () => {
    const { before } = await askForDinner("stopped");
    const response = await caller.post("/api/chat/stopped/stop", {});
    expect(await response.json()).toEqual({ stopped: true });
    await app.settled();
    expect(effects(before)).toEqual(["reserved", "released"]);
  });

  it("charges what the user has made of the amount", async () => {
    const { approvalId, before } = await askForDinner("edited");
    const [runId = "", stepId = ""] = approvalId.split(".");
    const name = `approval:${stepId}`;
    const { reservationId } = app.stack.restaurant.read().reservations.at(-1)!;
    const response = await caller.post(`/api/runs/${runId}/signal`, {
      name,
      id: "edited",
      payload: { approved: true, parameters: { reservationId, amountCents: 123 } },
    });
    expect(response.status).toBe(202);
    await app.settled();
    expect(effects(before)).toEqual(["reserved", "charged", "notified"]);
    expect(app.stack.restaurant.read().charges.at(-1)).toMatchObject({ amountCents: 123 });
  });
});
