import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ask, expectAnswer, expectIdle, expectMessages, sendButton, shownMessages, stopButton } from "./chat-page.ts";
import { slowAnswer } from "./slow-answer.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

test("an answer appears word by word, before it is complete", async () => {
  const page = await stage.visit();
  const answer = slowAnswer(stage.stack);
  await ask(page, "Count for me");
  await answer.say(10);
  await expectAnswer(page, "word5");
  expect(await stopButton(page).isVisible()).toBe(true);
  await answer.sayRest();
  await expectMessages(page, [
    { from: "You", text: "Count for me" },
    { from: "Assistant", text: answer.text },
  ]);
});

test("a tool call shows as a card with its name, input, output and state", async () => {
  const page = await stage.visit();
  await ask(page, "What is 17.5% of 2,480?");
  const card = page.locator("details.tool");
  await card.waitFor();
  await expectIdle(page);
  expect(await card.getAttribute("data-state")).toBe("done");
  expect(await card.locator(".tool-name").textContent()).not.toBe("");
  await card.locator("summary").click();
  expect(await card.getByText("Input", { exact: true }).isVisible()).toBe(true);
  expect(await card.locator("dd").last().textContent()).toContain("434");
  await expectAnswer(page, "434");
});

test("a script, a link that is one, and an image from elsewhere in an answer do nothing", async () => {
  const page = await stage.visit();
  const asked: string[] = [];
  page.on("request", (request) => void asked.push(request.url()));
  const owned = "document.title = 'owned'";
  const text = [
    `<script>${owned}</script><img src="x" onerror="${owned}">`,
    `[a link](javascript:${encodeURIComponent(owned)}) ![a picture](https://elsewhere.example/?words=all) The end.`,
  ].join("\n\n");
  stage.stack.model.script({ kind: "reply", text });
  await ask(page, "Be evil");
  await expectAnswer(page, "The end.");
  await expectIdle(page);
  for (const isReloaded of [false, true]) {
    if (isReloaded) await page.reload();
    await expectAnswer(page, "The end.");
    const prose = page.locator(".prose").last();
    expect(await prose.textContent()).toContain("<script>");
    expect(await prose.locator("script, img, [onerror]").count()).toBe(0);
    const link = prose.getByText("a link", { exact: true });
    expect((await link.getAttribute("href")) ?? "").not.toContain("script");
    expect(await page.title()).not.toBe("owned");
  }
  expect(asked.filter((url) => url.includes("elsewhere.example"))).toEqual([]);
});

test("a reload shows the history in the order in which it was said", async () => {
  const page = await stage.visit();
  stage.stack.model.script({ kind: "reply", text: "The first answer." }, { kind: "reply", text: "The second answer." });
  await ask(page, "First question");
  await expectAnswer(page, "The first answer.");
  await expectIdle(page);
  await ask(page, "Second question");
  await expectAnswer(page, "The second answer.");
  await expectIdle(page);
  await page.reload();
  expect(page.url()).toContain("#/c/");
  await expectMessages(page, [
    { from: "You", text: "First question" },
    { from: "Assistant", text: "The first answer." },
    { from: "You", text: "Second question" },
    { from: "Assistant", text: "The second answer." },
  ]);
});

test("a conversation can be renamed, left, reopened from the list and deleted", async () => {
  const page = await stage.visit();
  stage.stack.model.script({ kind: "reply", text: "Noted." });
  await ask(page, "Keep this");
  await expectAnswer(page, "Noted.");
  const row = page.locator(".row");
  await row.hover();
  await row.getByRole("button", { name: /^Rename/ }).click();
  await page.getByRole("textbox", { name: "Title" }).fill("A better title");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "New chat" }).click();
  expect(await shownMessages(page)).toEqual([]);
  await page.getByRole("link", { name: "A better title" }).click();
  await expectMessages(page, [
    { from: "You", text: "Keep this" },
    { from: "Assistant", text: "Noted." },
  ]);
  await row.hover();
  await row.getByRole("button", { name: "Delete A better title" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect.poll(() => row.count()).toBe(0);
  await page.reload();
  await sendButton(page).waitFor();
  expect(await row.count()).toBe(0);
});

test("the keyboard alone asks, breaks a line, stops an answer and opens a tool card", async () => {
  const page = await stage.visit();
  await page.keyboard.type("What is 6 * 7?");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("Use the calculator.");
  await page.keyboard.press("Enter");
  await page.locator("details.tool").waitFor();
  await expectIdle(page);
  expect((await shownMessages(page))[0]?.text).toBe("What is 6 * 7?\nUse the calculator.");

  await page.locator("details.tool summary").focus();
  await page.keyboard.press("Enter");
  expect(await page.locator("details.tool[open]").count()).toBe(1);

  const answer = slowAnswer(stage.stack);
  await page.getByRole("textbox", { name: "Message" }).focus();
  await page.keyboard.type("Count");
  await page.keyboard.press("Enter");
  await answer.say(8);
  await expectAnswer(page, "word3");
  await page.keyboard.press("Escape");
  await expectIdle(page);
});

test("a screen reader hears a finished answer once, and not its parts", async () => {
  const page = await stage.visit();
  const answer = slowAnswer(stage.stack);
  const log = page.getByRole("log");
  await ask(page, "Count for me");
  await answer.say(10);
  await expectAnswer(page, "word5");
  expect(await log.textContent()).toBe("");
  await answer.sayRest();
  await expect.poll(() => log.textContent(), { timeout: 20_000 }).toBe(`Assistant: ${answer.text}`);
});

test("at 360 pixels nothing is wider than the screen, and the list is behind a button", async () => {
  const page = await stage.visit({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
  await ask(page, "What is 17.5% of 2,480?");
  await page.locator("details.tool").waitFor();
  await expectIdle(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  expect(await page.getByRole("navigation").isVisible()).toBe(false);
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByRole("link", { name: /17.5%/ }).waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(() => page.getByRole("navigation").isVisible()).toBe(false);
});
