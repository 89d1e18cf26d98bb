/** A dinner booked by an agent from the page, while the Worker's process is killed under it in each phase. */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { expectAnswer, shownMessages } from "./chat-page.ts";
import { killWorkerd } from "./kill-workerd.ts";
import { openStage, type Stage } from "./stage.ts";

const phaseMsMax = 90_000;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

async function killed(): Promise<void> {
  killWorkerd();
  await expect.poll(() => isUp(), { timeout: phaseMsMax, interval: 200 }).toBe(true);
}

async function isUp(): Promise<boolean> {
  const answer = await fetch(`${stage.url}/health`).catch(() => undefined);
  return answer?.ok === true;
}

function approveButton(page: Page) {
  return page.getByRole("button", { name: "Approve" });
}

/** Until it is certain that the word was taken: the process may die while it is given. */
async function approve(page: Page): Promise<void> {
  await approveButton(page).click();
  await expect
    .poll(
      async () => {
        if (await approveButton(page).isVisible()) await approveButton(page).click();
        return stage.stack.restaurant.read().charges.length;
      },
      { timeout: phaseMsMax, interval: 2_000 },
    )
    .toBe(1);
}

it("books once, shows its plan and asks before it pays, whenever its process dies", { timeout: 400_000 }, async () => {
  const page = await stage.visit();
  stage.stack.model.script({ kind: "slow", msPerChunk: 400, match: "You plan how", times: 1 });
  await page.getByRole("button", { name: /Have an agent plan and act/ }).click();
  await expect.poll(() => stage.stack.ledger.read().modelCalls, { timeout: phaseMsMax }).toBe(1);
  await killed(); // while it plans
  await approveButton(page).waitFor({ timeout: phaseMsMax });
  expect(await page.getByRole("list", { name: "Plan" }).getByRole("listitem").count()).toBe(4);
  expect(stage.stack.restaurant.read().effects.map(({ kind }) => kind)).toEqual(["reserved"]);
  await killed(); // while it waits
  await approve(page);
  await killed(); // while it ends
  await expectAnswer(page, "The deposit is paid");
  expect(stage.stack.restaurant.read().effects.map(({ kind }) => kind)).toEqual(["reserved", "charged", "notified"]);
  const shown = await shownMessages(page);
  await page.reload();
  await expect.poll(() => shownMessages(page), { timeout: phaseMsMax }).toEqual(shown);
  expect(shown.map(({ from }) => from)).toEqual(["You", "Assistant"]);
});
