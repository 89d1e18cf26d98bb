/** The page in the words of a person who uses it. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

export interface ShownMessage {
  from: "You" | "Assistant";
  text: string;
}

const WAIT_MS_MAX = 20_000;

export async function ask(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
}

/** What stands on the page, oldest first, without tool cards and buttons. */
export function shownMessages(page: Page): Promise<ShownMessage[]> {
  return page.locator("article.message").evaluateAll((articles) =>
    articles.map((article) => ({
      from: article.getAttribute("aria-label") as ShownMessage["from"],
      text: Array.from(article.querySelectorAll(".prose, :scope > p:not(.ending)"), (part) => part.textContent).join(
        " ",
      ),
    })),
  );
}

export async function lastAnswer(page: Page): Promise<string> {
  const messages = await shownMessages(page);
  return messages.findLast((message) => message.from === "Assistant")?.text ?? "";
}

/** Waits until the page shows exactly these messages. */
export async function expectMessages(page: Page, messages: ShownMessage[]): Promise<void> {
  await expect.poll(() => shownMessages(page), { timeout: WAIT_MS_MAX }).toEqual(messages);
}

/** Waits until the last answer contains the text. */
export async function expectAnswer(page: Page, text: string): Promise<void> {
  await expect.poll(() => lastAnswer(page), { timeout: WAIT_MS_MAX }).toContain(text);
}

/** Waits until nothing is being answered. */
export async function expectIdle(page: Page): Promise<void> {
  await sendButton(page).waitFor();
}

export function sendButton(page: Page): Locator {
  return page.getByRole("button", { name: "Send" });
}

export function stopButton(page: Page): Locator {
  return page.getByRole("button", { name: "Stop the answer" });
}
