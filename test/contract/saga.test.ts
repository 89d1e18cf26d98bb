/** The example saga over the real app, QStash and the restaurants: a dinner that works out, and what is undone when it does not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RestaurantPoint } from "../../stack/restaurant/orders.ts";
import { arrivalsOf, dinnerRequest, effectsOf, hourMs } from "../support/dinner.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

const booked = ["reserved by reserve-table", "charged by charge-deposit"];
const undone = ["refunded by undo charge-deposit", "released by undo reserve-table"];
const reminded = "notified by remind";

let app: TestApp;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ time: "stack" });
});
beforeEach(async () => {
  runs = runClient(await app.signIn());
  app.stack.restaurant.reset();
});
afterAll(() => app.close());

async function start(more: object = {}): Promise<string> {
  const runId = await runs.start("book-dinner", dinnerRequest(app.stack.clock.now(), more));
  await app.settled();
  return runId;
}

async function answer(runId: string, confirmed: unknown): Promise<void> {
  await runs.act(runId, "signal", { name: "guest-confirms", payload: { confirmed } });
  await app.settled();
}

async function pass(ms: number): Promise<void> {
  await app.stack.clock.advance(ms);
  await app.settled();
}

describe("a dinner", () => {
  it("is found, reserved, paid for, confirmed by the guest, and the guest is reminded", async () => {
    const runId = await start();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", waits: [{ signal: "guest-confirms" }] });
    expect(effectsOf(app.stack, runId)).toEqual(booked);
    await answer(runId, true);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", waits: [{ step: "until-reminder" }] });
    await pass(hourMs + 1_000);
    const { status, output } = await runs.view(runId);
    expect([status, output]).toEqual([
      "completed",
      { restaurant: "Golden Carp, Rome", reservationId: expect.any(String), depositCents: 3_000 },
    ]);
    expect(effectsOf(app.stack, runId)).toEqual([...booked, reminded, "notified by confirm"]);
    expect(app.stack.restaurant.read().messages.map(({ kind }) => kind)).toEqual(["reminder", "confirmation"]);
    expect(Object.values(arrivalsOf(app.stack, runId))).toEqual([1, 1, 1, 1]);
  });

  it("tells its readers when it waits for the guest, and what for", async () => {
    const runId = await start();
    await answer(runId, true);
    await pass(hourMs + 1_000);
    const told = (await runs.events(runId)).filter(({ type }) => type === "waiting-for-guest");
    expect(told.map(({ data }) => data["payload"])).toEqual([
      { signal: "guest-confirms", reservationId: expect.any(String) },
    ]);
  });

  it("whose reminder would lie in the past reminds at once", async () => {
    const runId = await start({ remindBeforeMinutes: 7 * 24 * 60 });
    await answer(runId, true);
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
  });

  it("weeks ahead is walked in messages of a week each", async () => {
    const at = new Date(app.stack.clock.now() + 16 * 24 * hourMs).toISOString();
    const runId = await start({ at });
    await answer(runId, true);
    await pass(15 * 24 * hourMs);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    await pass(24 * hourMs);
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, reminded, "notified by confirm"]);
  });
});

describe("a dinner that fails", () => {
  const refusals: [string, RestaurantPoint, string | undefined, { failure: object; effects: string[] }][] = [
    ["no table is found", "search", undefined, { failure: { code: "no_table" }, effects: [] }],
    [
      "the table is taken meanwhile",
      "reserve",
      undefined,
      { failure: { message: "The table was taken by somebody else." }, effects: [] },
    ],
    [
      "the card is declined",
      "charge",
      undefined,
      {
        failure: { message: "The card was declined." },
        effects: ["reserved by reserve-table", "released by undo reserve-table"],
      },
    ],
    [
      "the guest cannot be reminded",
      "notify",
      '"kind":"reminder"',
      { failure: { message: "The guest cannot be reached." }, effects: [...booked, ...undone] },
    ],
    [
      "the confirmation cannot be sent",
      "notify",
      '"kind":"confirmation"',
      { failure: { message: "The guest cannot be reached." }, effects: [...booked, reminded, ...undone] },
    ],
  ];

  it.each(refusals)(
    "because %s undoes what was done, the last first",
    async (_why, at, match, { failure, effects }) => {
      app.stack.restaurant.script({ at, ...(match === undefined ? {} : { match }) });
      const runId = await start();
      if ((await runs.view(runId)).status === "waiting") await answer(runId, true);
      await pass(hourMs + 1_000);
      expect(await runs.view(runId)).toMatchObject({ status: "failed", failure });
      expect(effectsOf(app.stack, runId)).toEqual(effects);
      expect(app.stack.restaurant.queued()).toEqual([]);
    },
  );

  it("because the guest declines gives the deposit back and releases the table", async () => {
    const runId = await start();
    await answer(runId, false);
    expect(await runs.view(runId)).toMatchObject({ status: "failed", failure: { message: "The guest declined." } });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
  });

  it.each([[undefined], ["yes"], [1], [null]])("because the guest's word is no clear yes: %j", async (confirmed) => {
    const runId = await start();
    await answer(runId, confirmed);
    expect(await runs.view(runId)).toMatchObject({ status: "failed" });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
  });

  it("because the guest does not answer in time is undone, and an answer after that changes nothing", async () => {
    const runId = await start({ confirmWithinMinutes: 60 });
    await pass(hourMs - 1);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    await pass(1_001);
    const view = await runs.view(runId);
    expect(view).toMatchObject({ status: "failed", failure: { message: "The guest did not answer in time." } });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
    expect(await runs.act(runId, "signal", { name: "guest-confirms", payload: { confirmed: true } })).toBe(409);
    expect(await runs.view(runId)).toEqual(view);
  });

  it("is undone in the same order when its owner cancels it, while it waits for the guest or for the reminder", async () => {
    const early = await start();
    await runs.act(early, "cancel");
    const late = await start();
    await answer(late, true);
    await runs.act(late, "cancel");
    await app.settled();
    for (const runId of [early, late]) {
      expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
      expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
    }
  });

  it("shows its compensation to readers, step by step", async () => {
    const runId = await start();
    await answer(runId, false);
    const events = await runs.events(runId);
    const from = events.findIndex(({ type }) => type === "compensation-started");
    expect(events.slice(from).map(({ type, data }) => [type, data["step"]])).toEqual([
      ["compensation-started", undefined],
      ["step-compensated", "charge-deposit"],
      ["step-compensated", "reserve-table"],
      ["workflow-failed", undefined],
    ]);
  });

  it("and whose deposit cannot be given back is parked for a person, who lets it go on when that is settled", async () => {
    app.stack.restaurant.script({ at: "refund" });
    const runId = await start();
    await answer(runId, false);
    expect(await runs.view(runId)).toMatchObject({
      status: "parked",
      step: "undo charge-deposit",
      failure: { message: "The deposit cannot be refunded any more." },
    });
    expect(effectsOf(app.stack, runId)).toEqual(booked);
    await runs.act(runId, "retry");
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "failed", failure: { message: "The guest declined." } });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
  });
});

describe("two dinners at once", () => {
  it("do not get in each other's way, also for one guest at one time", async () => {
    const [one, two] = [await start(), await start()];
    await Promise.all([answer(one, true), answer(two, false)]);
    await pass(hourMs + 1_000);
    expect([await runs.view(one), await runs.view(two)].map(({ status }) => status)).toEqual(["completed", "failed"]);
    expect(effectsOf(app.stack, one)).toEqual([...booked, reminded, "notified by confirm"]);
    expect(effectsOf(app.stack, two)).toEqual([...booked, ...undone]);
  });
});
