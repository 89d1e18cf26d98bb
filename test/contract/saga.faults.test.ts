/**
 * The example saga while the restaurants are hard to reach. Each effect is there once in the end, however often it was asked for; what cannot be done in the end
 * undoes what was.
 *
 * The app calls itself here (`QUEUE=fetch`): its segments then hold up nothing of the stack's clock while they wait for the next attempt.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunView } from "../../src/engine/run-view.ts";
import { startCron } from "../../stack/cron.ts";
import type { FaultRule } from "../../stack/faults.ts";
import { arrivalsOf, dinnerRequest, effectsOf, isOver } from "../support/dinner.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

const booked = ["reserved by reserve-table", "charged by charge-deposit"];
const undone = ["refunded by undo charge-deposit", "released by undo reserve-table"];
const told = ["notified by remind", "notified by confirm"];

let app: TestApp;
let runs: RunClient;
let stopCron: () => void;
beforeAll(async () => {
  app = await startTestApp({ time: "stack", bindings: { QUEUE: "fetch" } });
  stopCron = startCron(app.stack.clock, app.sweep);
});
beforeEach(async () => {
  runs = runClient(await app.signIn());
  app.stack.restaurant.reset();
  app.stack.faults.clear();
});
afterAll(async () => {
  stopCron();
  await app.close();
});

/** Time goes on until the run is there. */
async function until(runId: string, isThere: (view: RunView) => boolean): Promise<RunView> {
  let view = await runs.view(runId);
  await expect
    .poll(
      async () => {
        await app.stack.clock.advance(1_000);
        return isThere((view = await runs.view(runId)));
      },
      { timeout: 25_000, interval: 10 },
    )
    .toBe(true);
  return view;
}

/** Runs a dinner to its end; the guest says yes at once, and is reminded at once. */
async function dine(confirmed = true): Promise<{ runId: string; view: RunView }> {
  const request = dinnerRequest(app.stack.clock.now(), { remindBeforeMinutes: 7 * 24 * 60 });
  const runId = await runs.start("book-dinner", request);
  await runs.act(runId, "signal", { name: "guest-confirms", payload: { confirmed } });
  return { runId, view: await until(runId, (view) => isOver(view) || view.status === "parked") };
}

type Fault = Omit<FaultRule, "id" | "server">;

const calls = {
  search: "GET /offers",
  reserve: "POST /reservations",
  charge: "POST /charges",
  remind: '"kind":"reminder"',
  confirm: '"kind":"confirmation"',
};
const faults: Record<string, Fault> = {
  "no connection": { action: "drop-before" },
  "an answer that is lost": { action: "drop-after" },
  "an answer that is cut": { action: "truncate", truncateBytes: 5 },
  "an answer that comes twice": { action: "duplicate" },
  "an error": { action: "status", status: 503 },
  "too many requests": { action: "status", status: 429 },
};

describe.each(Object.entries(calls))("a dinner whose call to %s meets", (_call, match) => {
  it.each(Object.entries(faults))("%s works out all the same, with one effect for each step", async (_fault, fault) => {
    app.stack.faults.add({ server: "restaurant", match, ...fault, count: 1 });
    const { runId, view } = await dine();
    expect(view).toMatchObject({ status: "completed" });
    expect(app.stack.faults.list()).toEqual([]);
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...told]);
  });
});

describe("restaurants that are down", () => {
  it.each(Object.entries(calls))("for a while at %s are waited for", async (_call, match) => {
    app.stack.faults.add({ server: "restaurant", match, action: "status", status: 503, count: 3 });
    const { runId, view } = await dine();
    expect(view).toMatchObject({ status: "completed" });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...told]);
  });

  it.each([
    ["search", []],
    ["reserve", []],
    ["charge", [booked[0], undone[1]]],
    ["remind", [...booked, ...undone]],
    ["confirm", [...booked, told[0], ...undone]],
  ] as const)("for good at %s end the dinner, and what was done is undone", async (call, effects) => {
    app.stack.faults.add({ server: "restaurant", match: calls[call], action: "drop-before" });
    const { runId, view } = await dine();
    expect(view).toMatchObject({ status: "failed", failure: { code: "partner_unavailable" } });
    expect(effectsOf(app.stack, runId)).toEqual(effects);
  });

  it("after they acted leave an effect that nobody knows of: its key is asked again, and it is undone", async () => {
    // Each answer to the reservation is lost; the table is reserved all the while.
    app.stack.faults.add({ server: "restaurant", match: calls.charge, action: "drop-after", count: 5 });
    const { runId, view } = await dine(false);
    expect(view).toMatchObject({ status: "failed", failure: { message: "The guest declined." } });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
    expect(arrivalsOf(app.stack, runId)["charge-deposit"]).toBe(6);
  });

  it("while a dinner is undone are waited for, and the order is kept", async () => {
    app.stack.faults.add({ server: "restaurant", match: "DELETE /charges", action: "status", status: 503, count: 5 });
    app.stack.faults.add({ server: "restaurant", match: "DELETE /reservations", action: "drop-after", count: 2 });
    const { runId, view } = await dine(false);
    expect(view).toMatchObject({ status: "failed", failure: { message: "The guest declined." } });
    expect(effectsOf(app.stack, runId)).toEqual([...booked, ...undone]);
  });
});
