import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startCuttableProxy } from "./cuttable-proxy.ts";
import { ask, expectAnswer, expectIdle, expectMessages, lastAnswer, shownMessages, stopButton } from "./chat-page.ts";
import { slowAnswer } from "./slow-answer.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

test("a reload in the middle of an answer shows the whole answer exactly once", async () => {
  const page = await stage.visit();
  const answer = slowAnswer(stage.stack);
  await ask(page, "Count for me");
  await answer.say(12);
  await expectAnswer(page, "word6");
  await page.reload();
  await expectAnswer(page, "word6");
  expect(await stopButton(page).isVisible()).toBe(true);
  await answer.sayRest();
  const whole = [
    { from: "You" as const, text: "Count for me" },
    { from: "Assistant" as const, text: answer.text },
  ];
  await expectMessages(page, whole);
  await expectIdle(page);
  await page.reload();
  await expectMessages(page, whole);
});

test("a second window on the conversation shows the same, live, in both directions", async () => {
  const first = await stage.visit();
  stage.stack.model.script({ kind: "reply", text: "Hello." });
  await ask(first, "Hi");
  await expectAnswer(first, "Hello.");
  const second = await first.context().newPage();
  await second.goto(first.url());
  await expectAnswer(second, "Hello.");

  const answer = slowAnswer(stage.stack);
  await ask(first, "Count for me");
  await answer.say(12);
  await expectAnswer(second, "word6");
  expect(await stopButton(second).isVisible()).toBe(true);
  await answer.sayRest();
  await expectAnswer(second, "word40");
  await expectIdle(second);

  stage.stack.model.script({ kind: "reply", text: "You are welcome." });
  await ask(second, "Thank you");
  await expectAnswer(first, "You are welcome.");
  await expectAnswer(second, "You are welcome.");
  await expectIdle(first);
  const shown = await shownMessages(second);
  expect(shown.map((message) => message.text)).toEqual([
    "Hi",
    "Hello.",
    "Count for me",
    answer.text,
    "Thank you",
    "You are welcome.",
  ]);
  await expectMessages(first, shown);
});

test("stop keeps the text so far, here and after a reload, and the conversation goes on", async () => {
  const page = await stage.visit();
  const answer = slowAnswer(stage.stack);
  await ask(page, "Count for me");
  await answer.say(12);
  await expectAnswer(page, "word6");
  // Another window shows what the server has recorded; the last quarter of a second may be on its way there.
  const other = await page.context().newPage();
  await other.goto(page.url());
  await expectAnswer(other, "word6");
  await stopButton(page).click();
  await expectIdle(page);
  await expectIdle(other);
  expect(await lastAnswer(page)).toContain("word6");
  expect(await lastAnswer(other)).toContain("word6");
  stage.stack.clock.release();
  await page.getByText("This answer was stopped.").waitFor();
  await page.reload();
  await expectAnswer(page, "word6");
  await page.getByText("This answer was stopped.").waitFor();
  expect(answer.text.startsWith(await lastAnswer(page))).toBe(true);

  stage.stack.model.script({ kind: "reply", text: "Still here." });
  await ask(page, "Are you there?");
  await expectAnswer(page, "Still here.");
  expect((await shownMessages(page)).map((message) => message.from)).toEqual(["You", "Assistant", "You", "Assistant"]);
});

test("a window that was offline during an answer shows it whole when it is back", async () => {
  const page = await stage.visit();
  const answer = slowAnswer(stage.stack);
  await ask(page, "Count for me");
  await answer.say(12);
  await expectAnswer(page, "word6");
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await answer.say(8);
  expect(await lastAnswer(page)).not.toContain("word20");
  await page.context().setOffline(false);
  await answer.sayRest();
  await expectMessages(page, [
    { from: "You", text: "Count for me" },
    { from: "Assistant", text: answer.text },
  ]);
  await expectIdle(page);
});

test("a question that is asked offline is asked once when the network is back", async () => {
  const page = await stage.visit();
  stage.stack.model.script({ kind: "reply", text: "Good to have you back." });
  await page.context().setOffline(true);
  await ask(page, "Anybody there?");
  await page.getByText("You are offline.").waitFor();
  const before = stage.stack.model.requests().length;
  await page.context().setOffline(false);
  await expectMessages(page, [
    { from: "You", text: "Anybody there?" },
    { from: "Assistant", text: "Good to have you back." },
  ]);
  expect(stage.stack.model.requests().length).toBe(before + 1);
});

test("a connection that is cut in the middle of an answer is taken up again by itself", async () => {
  const proxy = await startCuttableProxy(stage.url);
  try {
    const page = await stage.visit({}, proxy.url);
    const answer = slowAnswer(stage.stack);
    await ask(page, "Count for me");
    await answer.say(12);
    await expectAnswer(page, "word6");
    proxy.cut();
    await answer.say(8);
    await expectAnswer(page, "word14");
    await answer.sayRest();
    await expectMessages(page, [
      { from: "You", text: "Count for me" },
      { from: "Assistant", text: answer.text },
    ]);
    expect(proxy.cuts()).toBeGreaterThan(0);
  } finally {
    await proxy.close();
  }
});
