/** The tools of the restaurants: what an agent may do for a dinner, over the service of the local stack. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { registryTools } from "../../src/agent/run/registry-tools.ts";
import { limits } from "../../src/core/limits.ts";
import { restaurantTools } from "../../src/saga/tools/restaurant-tools.ts";
import { restaurantClient } from "../../src/system/restaurant-client.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { fullGrant } from "../../src/tool/tool-grant.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { createToolRig } from "../support/tool-rig.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterEach(() => {
  stack.restaurant.reset();
  stack.faults.clear();
});
afterAll(() => stack.close());

const dinner = { city: "Rome", partySize: 4, at: "2027-01-01T19:00:00+01:00" };
const table = { ...dinner, restaurantId: "rst_rome_1", guest: "Ada" };

function rig() {
  const restaurants = restaurantClient({ url: stack.restaurantUrl, fetch: (url, init) => fetch(url, init) });
  return createToolRig(restaurantTools, { restaurants });
}

function done(result: { kind: string; output?: unknown }): Record<string, string> {
  expect(result).toMatchObject({ kind: "ok" });
  return result.output as Record<string, string>;
}

describe("the restaurant tools", () => {
  it("find a table, reserve it, charge its deposit and tell the guest", async () => {
    const t = rig();
    const best = { restaurantId: "rst_rome_1", name: "Golden Carp, Rome", depositCents: 6_000 };
    const found = await t.call("restaurant_search", dinner);
    expect(found).toMatchObject({ output: { offers: [best, {}, {}] } });
    const { reservationId } = done(await t.call("restaurant_reserve", table));
    const charge = { reservationId, amountCents: 6_000 };
    done(await t.call("restaurant_charge_deposit", charge, { isApproved: true }));
    done(await t.call("restaurant_notify", { reservationId, kind: "confirmation" }));
    expect(stack.restaurant.read().effects.map(({ kind }) => kind)).toEqual(["reserved", "charged", "notified"]);
  });

  it("charge nothing without a person's word", async () => {
    const t = rig();
    const { reservationId } = done(await t.call("restaurant_reserve", table));
    const refused = await t.call("restaurant_charge_deposit", { reservationId, amountCents: 6_000 });
    expect(refused).toMatchObject({ kind: "failed", code: "needs_approval" });
    expect(stack.restaurant.read().charges).toEqual([]);
  });

  it("act once for a call that is repeated", async () => {
    const t = rig();
    const first = await t.call("restaurant_reserve", table, { callKey: "run/step" });
    const again = await t.call("restaurant_reserve", table, { callKey: "run/step" });
    expect(again).toEqual(first);
    expect(stack.restaurant.read().reservations).toHaveLength(1);
    expect(stack.restaurant.read().keys).toMatchObject([{ arrivals: 1 }]);
  });

  it("try again under the same key what was done and not answered", async () => {
    const t = rig();
    stack.faults.add({ server: "restaurant", action: "drop-after", count: 1 });
    const calling = t.call("restaurant_reserve", table);
    await t.paused(limits.toolBackoffMs);
    await t.clock.advance(limits.toolBackoffMs);
    done(await calling);
    expect(stack.restaurant.read().reservations).toHaveLength(1);
    expect(stack.restaurant.read().keys).toMatchObject([{ arrivals: 2 }]);
  });

  it("answer a table that is taken in the restaurant's words, and an empty list where nothing is free", async () => {
    const t = rig();
    stack.restaurant.script({ at: "reserve", reason: "The table was just taken." });
    expect(await t.call("restaurant_reserve", table)).toMatchObject({
      kind: "failed",
      code: "failed",
      errorText: "The table was just taken.",
    });
    stack.restaurant.script({ at: "search" });
    expect(await t.call("restaurant_search", dinner)).toEqual({ kind: "ok", output: { offers: [] } });
  });

  it("take back a reservation and a charge, and have nothing to take back of the others", async () => {
    const t = rig();
    const tools = registryTools(createToolRegistry(restaurantTools), t.context(), fullGrant);
    const actor = { userId: "usr_1", agentId: "agt_1", runId: "run_1", conversationId: undefined };
    const step = (idempotencyKey: string) => ({ idempotencyKey, signal: new AbortController().signal });
    const { reservationId } = done(await t.call("restaurant_reserve", table));
    const charge = { reservationId, amountCents: 6_000 };
    const charged = done(await t.call("restaurant_charge_deposit", charge, { isApproved: true }));
    const acts = [
      { name: "restaurant_charge_deposit", parameters: charge, output: charged },
      { name: "restaurant_reserve", parameters: table, output: { reservationId } },
    ];
    for (const act of acts) await tools.undoOf(act.name)?.(act, actor, step(`undo ${act.name}`));
    expect(stack.restaurant.read()).toMatchObject({
      reservations: [{ isReleased: true }],
      charges: [{ isRefunded: true }],
    });
    expect(tools.undoOf("restaurant_search")).toBeUndefined();
    expect(tools.undoOf("restaurant_notify")).toBeUndefined();
  });

  it.each([
    ["restaurant_search", { ...dinner, at: "tomorrow at eight" }, "at"],
    ["restaurant_search", { ...dinner, partySize: 0 }, "partySize"],
    ["restaurant_search", { ...dinner, partySize: 21 }, "partySize"],
    ["restaurant_search", { ...dinner, city: "" }, "city"],
    ["restaurant_reserve", { ...table, restaurantId: "../charges" }, "restaurantId"],
    ["restaurant_reserve", { ...table, guest: "x".repeat(101) }, "guest"],
    ["restaurant_charge_deposit", { reservationId: "rsv_1", amountCents: 0.5 }, "amountCents"],
    ["restaurant_charge_deposit", { reservationId: "rsv_1", amountCents: -1 }, "amountCents"],
    ["restaurant_notify", { reservationId: "rsv_1", kind: "threat" }, "kind"],
  ])("%s refuses %j and says what is wrong", async (name, input, field) => {
    const refused = await rig().call(name, input, { isApproved: true });
    expect(refused).toMatchObject({ kind: "failed", code: "invalid_input" });
    expect((refused as { errorText: string }).errorText).toContain(field);
    expect(stack.restaurant.read().effects).toEqual([]);
  });
});
