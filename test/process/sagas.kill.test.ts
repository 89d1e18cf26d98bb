/** A hundred dinners at once on the built Worker, in a workerd that is killed with SIGKILL ten times on the way. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { arrivalsOf, dinnerRequest, effectsOf } from "../support/dinner.ts";
import type { ReadEvent } from "../support/run-client.ts";
import { createGuest, type Guest } from "./guest.ts";
import { startWorkerdApp, type WorkerdApp } from "./workerd-app.ts";

const guestsCount = 50;
const dinnersEach = 2;
const dinnersCount = guestsCount * dinnersEach;
const killsCount = 10;
/** Each dinner has four effects, whether it works out or is undone. */
const effectsCount = dinnersCount * 4;

let stack: RunningStack;
let app: WorkerdApp;
beforeAll(async () => {
  stack = await startStack();
  app = await startWorkerdApp(stack);
});
afterAll(async () => {
  await app.close();
  await stack.close();
});

interface Dinner {
  readonly guest: Guest;
  readonly runId: string;
  readonly isWanted: boolean;
  readonly events: readonly ReadEvent[];
}

/** From the order to the end of its events; every fourth guest says no. */
async function dine(guest: Guest, number: number): Promise<Dinner> {
  const isWanted = number % 4 !== 0;
  const runId = await guest.order(`dinner-${number}`, dinnerRequest(Date.now(), { remindBeforeMinutes: 7 * 24 * 60 }));
  let answered = Promise.resolve();
  let resumed = Promise.resolve();
  const events = await guest.follow(runId, ({ type }) => {
    if (type === "waiting-for-guest") answered = guest.answer(runId, isWanted);
    // Three kills at one step in a row look like a step that kills: a person has to say that it does not.
    if (type === "workflow-parked") resumed = guest.resume(runId);
  });
  await Promise.all([answered, resumed]);
  return { guest, runId, isWanted, events };
}

/** Spread over the whole work: after so many effects the next kill. */
async function killTenTimes(): Promise<number> {
  let kills = 0;
  for (; kills < killsCount; kills += 1) {
    const due = Math.floor(((kills + 0.5) * effectsCount) / killsCount);
    await expect
      .poll(() => stack.restaurant.read().effects.length, { timeout: 400_000, interval: 5 })
      .toBeGreaterThanOrEqual(due);
    await app.killAndRestart();
  }
  return kills;
}

it(
  "all end, with one effect for each step and no event lost or doubled for a reader that stays",
  { timeout: 480_000 },
  async () => {
    stack.faults.add({ server: "delivery", action: "duplicate", every: 20 });
    const guests = await Promise.all(Array.from({ length: guestsCount }, () => createGuest(app)));
    const dining = Array.from({ length: dinnersCount }, (_dinner, number) =>
      dine(guests[number % guestsCount]!, number),
    );
    const [kills, ...dinners] = await Promise.all([killTenTimes(), ...dining]);
    expect(kills).toBe(killsCount);

    for (const { guest, runId, isWanted, events } of dinners) {
      expect(events.at(-1)).toMatchObject(
        isWanted
          ? { type: "workflow-completed" }
          : { type: "workflow-failed", data: { failure: { message: "The guest declined." } } },
      );
      const ends = isWanted
        ? ["notified by remind", "notified by confirm"]
        : ["refunded by undo charge-deposit", "released by undo reserve-table"];
      expect(effectsOf(stack, runId)).toEqual(["reserved by reserve-table", "charged by charge-deposit", ...ends]);
      expect(events).toEqual(await guest.replay(runId));
    }
    expect(new Set(dinners.map(({ runId }) => runId)).size).toBe(dinnersCount);
    expect(stack.restaurant.read().effects).toHaveLength(effectsCount);
    // The kills were felt: some effects were asked for again, and their keys were honoured.
    const arrivals = dinners.flatMap(({ runId }) => Object.values(arrivalsOf(stack, runId)));
    expect(arrivals.filter((count) => count > 1).length).toBeGreaterThan(0);
  },
);
