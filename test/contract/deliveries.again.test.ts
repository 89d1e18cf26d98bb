/** Deliveries that come again, as QStash sends them when an answer was lost: the two whose replay no other file shows over HTTP. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { writerLimits } from "../../src/event/log-writer.ts";
import { eventsKey, messagesKey } from "../../src/upstash/keys.ts";
import { actingTools, passTime } from "../support/acting-tools.ts";
import { createDeliveryRig, type DeliveryRig } from "../support/delivery-rig.ts";
import { redisCommand } from "../support/run-client.ts";
import { inClear, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";
import { waitForGo } from "../support/test-runs.ts";

const tools = actingTools();
let app: TestApp;
let rig: DeliveryRig;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo], tools: [tools.make("act")], bindings: inClear, time: "stack" });
  rig = await createDeliveryRig(app);
  caller = await app.signIn();
});
afterAll(() => app.close());

it("a turn that is taken up twice is answered once, and the model is paid once", async () => {
  const ref = { userId: caller.userId, conversationId: "c" };
  const path = "/api/engine/continue-turn";
  const list = eventsKey(ref.userId, ref.conversationId);
  app.stack.model.script({ kind: "reply", text: "the answer", times: 3 });
  await (await caller.chat("c", "m1", "hi")).text();
  await app.settled();
  // As if its producer had died right after the opening, a lease ago.
  await redisCommand(app.stack, ["LTRIM", list, 0, 0]);
  await redisCommand(app.stack, ["DEL", messagesKey(ref.userId, ref.conversationId)]);
  await app.stack.clock.advance(2 * writerLimits.leaseMs);
  app.stack.ledger.reset();
  const deliver = () => rig.deliver({ path, body: JSON.stringify(ref) });
  const answers = [...(await Promise.all([deliver(), deliver()])), await deliver()];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers.map(({ json }) => String(json["outcome"])).toSorted()).toEqual(["ran", "stale", "stale"]);
  await app.settled();
  expect(app.stack.ledger.read().modelCalls).toBe(1);
  const { messages } = (await (await caller.fetch("/api/conversations/c/messages")).json()) as {
    messages: { role: string }[];
  };
  expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
});

it("a failure callback that comes twice buries a call once, and changes nothing of one that has worked since", async () => {
  const { executionId, messageId } = await queueTool(caller, "act", { delay: 3_600 });
  const query = new URLSearchParams({ kind: "tool", userId: caller.userId, executionId });
  const path = `/api/webhooks/qstash/failure?${query.toString()}`;
  const body = JSON.stringify({ status: 503, body: btoa("busy"), sourceMessageId: messageId, dlqId: "dlq_1" });
  const deliver = async () => (await rig.deliver({ path, body })).json;
  const letters = async () => (await caller.fetch("/api/dead-letters")).json();
  expect(await deliver()).toEqual({ outcome: "dead" });
  const [view, list] = [await readExecution(caller, executionId), await letters()];
  expect(view).toMatchObject({ status: "dead", dead: { cause: "busy" } });
  expect(await deliver()).toEqual({ outcome: "dead" });
  expect([await readExecution(caller, executionId), await letters()]).toEqual([view, list]);
  await passTime(app, 2 * 60 * 60_000, 4);
  expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed" });
  expect(await deliver()).toEqual({ outcome: "ignored" });
  expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed" });
});
