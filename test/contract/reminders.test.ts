/** Reminders: asked for by a tool, brought into the conversation when their time has come. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Message } from "../../src/memory/message.ts";
import { sseEvents } from "../support/sse.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
  caller = await app.signIn();
  await (await caller.chat("talk", "m1", "hello")).text();
  await app.settled();
});
afterAll(() => app.close());

async function remind(
  conversationId: string | undefined,
  parameters: object,
  deduplicationId: string = crypto.randomUUID(),
) {
  const of = conversationId === undefined ? {} : { conversationId };
  const { executionId } = await queueTool(caller, "reminder", { parameters, deduplicationId, ...of });
  await app.settled();
  return readExecution(caller, executionId);
}

async function texts(): Promise<string[]> {
  const response = await caller.fetch("/api/conversations/talk/messages");
  const { messages } = (await response.json()) as { messages: Message[] };
  return messages.flatMap(({ parts }) => parts).flatMap((part) => ("text" in part ? [part.text] : []));
}

describe("a reminder", () => {
  it("comes into its conversation as a message that stays, once for a call that is repeated", async () => {
    const parameters = { text: "Call Ada.", inMinutes: 0.02 };
    expect(await remind("talk", parameters, "call-ada")).toMatchObject({
      status: "completed",
      result: { reminderId: expect.stringMatching(/^run_/) as string },
    });
    await remind("talk", parameters, "call-ada");
    await expect.poll(texts, { timeout: 10_000 }).toContain("Reminder: Call Ada.");
    await app.settled();
    expect((await texts()).filter((text) => text === "Reminder: Call Ada.")).toHaveLength(1);
  });

  it("reaches who is watching the conversation, with a beginning and an end", async () => {
    const watching = await caller.fetch("/api/conversations/talk/events");
    await queueTool(caller, "reminder", { parameters: { text: "Live.", inMinutes: 0.02 }, conversationId: "talk" });
    const types: string[] = [];
    for await (const { event = "", data } of sseEvents(watching)) {
      if (types.length > 0 || data.includes("Live.")) types.push(event);
      if (types.length > 0 && event === "workflow-completed") break;
    }
    expect(types.filter((type) => !type.startsWith("segment-"))).toEqual(["reminder", "workflow-completed"]);
  });

  it("of a conversation that was deleted meanwhile reminds nobody, and does not bring it back", async () => {
    await (await caller.chat("short", "m1", "hello")).text();
    await app.settled();
    const { result } = await remind("short", { text: "Too late.", inMinutes: 0.05 });
    const { reminderId } = result as { reminderId: string };
    expect((await caller.fetch("/api/conversations/short", { method: "DELETE" })).ok).toBe(true);
    await expect
      .poll(async () => (await caller.fetch(`/api/runs/${reminderId}`)).json(), { timeout: 15_000 })
      .toMatchObject({ status: "completed", output: { outcome: "gone" } });
    expect((await caller.fetch("/api/conversations/short")).status).toBe(404);
    expect(await (await caller.fetch("/api/conversations/short/messages")).json()).toEqual({ messages: [] });
  });

  it("is a run that can be cancelled before its time", async () => {
    const { result } = await remind("talk", { text: "Never.", inMinutes: 600 });
    const { reminderId } = result as { reminderId: string };
    expect((await caller.post(`/api/runs/${reminderId}/cancel`, {})).ok).toBe(true);
    await app.settled();
    const run = await caller.fetch(`/api/runs/${reminderId}`);
    expect(await run.json()).toMatchObject({ status: "cancelled" });
  });

  it.each([
    ["without a conversation", undefined, { text: "x", inMinutes: 1 }, "no conversation"],
    ["for no time", "talk", { text: "x" }, "Give either"],
    ["for two times", "talk", { text: "x", inMinutes: 1, at: "2099-01-01T00:00:00Z" }, "Give either"],
    ["for a time that is over", "talk", { text: "x", at: "2020-01-01T00:00:00Z" }, "is over"],
    ["for a time too far away", "talk", { text: "x", at: "2999-01-01T00:00:00Z" }, "within a year"],
  ])("%s is refused in words", async (_name, conversationId, parameters, words) => {
    const refused = await remind(conversationId, parameters);
    expect(refused.error).toMatchObject({ code: "failed", message: expect.stringContaining(words) as string });
  });
});
