import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ask, expectAnswer, expectIdle, expectMessages } from "./chat-page.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

test("a used-up limit is said in words, with the time from which a retry makes sense", async () => {
  const page = await stage.visit();
  stage.stack.model.script({ kind: "reply", text: "Hello." });
  await ask(page, "Hi");
  await expectAnswer(page, "Hello.");
  await expectIdle(page);
  await page.evaluate(useUpTheLimit);
  await ask(page, "One more");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  expect(await alert.textContent()).toMatch(/You can try again at \d/);
  expect(await page.getByRole("button", { name: /Try again in \d+ s/ }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Edit message" }).click();
  expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("One more");
  await expectMessages(page, [
    { from: "You", text: "Hi" },
    { from: "Assistant", text: "Hello." },
  ]);
});

test("a failing model is said in words, and the same question can be asked again", async () => {
  const page = await stage.visit();
  stage.stack.model.script({ kind: "server-error", status: 500, times: 20 });
  await ask(page, "Are you there?");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  expect(await alert.textContent()).toContain("The language model did not answer");
  stage.stack.model.reset();
  stage.stack.model.script({ kind: "reply", text: "Now I am." });
  await page.getByRole("button", { name: "Try again" }).click();
  await expectMessages(page, [
    { from: "You", text: "Are you there?" },
    { from: "Assistant", text: "Now I am." },
  ]);
  expect(await alert.count()).toBe(0);
});

test("storage that fails is said in words, and the conversation works again after it", async () => {
  const page = await stage.visit();
  stage.stack.faults.add({ server: "redis", action: "status", status: 500 });
  await ask(page, "Are you there?");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  expect(await alert.textContent()).toMatch(/storage|our side/i);
  stage.stack.faults.clear();
  stage.stack.model.script({ kind: "reply", text: "All good." });
  await page.getByRole("button", { name: "Try again", exact: true }).click();
  await expectAnswer(page, "All good.");
});

/** Runs in the page: repeats its own first message, which costs a turn of the limit but starts none. */
async function useUpTheLimit(): Promise<void> {
  const id = decodeURIComponent(location.hash.slice("#/c/".length));
  const messageId = document.querySelector(".message-user")?.getAttribute("data-message-id");
  const body = JSON.stringify({
    id,
    messages: [{ id: messageId, role: "user", parts: [{ type: "text", text: "Hi" }] }],
  });
  for (let attempt = 0; attempt < 50; attempt++) {
    const answer = await fetch("/api/chat", { method: "POST", headers: { "content-type": "application/json" }, body });
    await answer.text();
    if (answer.status === 429) return;
  }
  throw new Error("fifty turns in a row were let through");
}
