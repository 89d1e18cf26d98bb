/** The restaurant service of the stack, and the Worker's client for it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { NonRetryableError } from "../../src/engine/failures.ts";
import { restaurantClient } from "../../src/system/restaurant-client.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterEach(() => {
  stack.restaurant.reset();
  stack.faults.clear();
});
afterAll(() => stack.close());

const table = { restaurantId: "rst_rome_1", guest: "Ada", city: "Rome", partySize: 2, at: "2027-01-01T19:00:00Z" };

async function call(method: string, path: string, o: { key?: string; body?: unknown; url?: string } = {}) {
  const response = await fetch(`${o.url ?? stack.restaurantUrl}${path}`, {
    method,
    headers: o.key === undefined ? {} : { "idempotency-key": o.key },
    ...(o.body === undefined ? {} : { body: typeof o.body === "string" ? o.body : JSON.stringify(o.body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === "" ? undefined : (JSON.parse(text) as Record<string, any>) };
}

async function reserve(key: string): Promise<string> {
  return String((await call("POST", "/reservations", { key, body: table })).json?.["reservationId"]);
}

describe("the restaurants", () => {
  it("offer the same tables each time, the best first, and none for a party that no table is large enough for", async () => {
    const wish = "/offers?city=Rome&at=2027-01-01T19:00:00Z&partySize=";
    const two = await call("GET", `${wish}2`);
    expect(two).toEqual(await call("GET", `${wish}2`));
    expect(two.json?.["offers"][0]).toEqual({
      restaurantId: "rst_rome_1",
      name: "Golden Carp, Rome",
      depositCents: 3_000,
    });
    expect((await call("GET", `${wish}20`)).json?.["offers"]).toHaveLength(3);
    expect((await call("GET", `${wish}21`)).json).toEqual({ offers: [] });
  });

  it("keep a ledger of every effect, in order, with the key under which it was done", async () => {
    const reservationId = await reserve("a");
    const charged = await call("POST", "/charges", { key: "b", body: { reservationId, amountCents: 3_000 } });
    const chargeId = String(charged.json?.["chargeId"]);
    await call("POST", "/messages", { key: "c", body: { reservationId, kind: "reminder" } });
    await call("DELETE", `/charges/${chargeId}`, { key: "d" });
    await call("DELETE", `/reservations/${reservationId}`, { key: "e" });
    const { json } = await call("GET", "/_stack/restaurant", { url: stack.url });
    expect(json?.["effects"].map((effect: { kind: string; key: string }) => `${effect.kind} by ${effect.key}`)).toEqual(
      ["reserved by a", "charged by b", "notified by c", "refunded by d", "released by e"],
    );
    expect(json).toMatchObject({
      reservations: [{ reservationId, ...table, isReleased: true }],
      charges: [{ chargeId, reservationId, amountCents: 3_000, isRefunded: true }],
      messages: [{ reservationId, kind: "reminder" }],
      keys: ["a", "b", "c", "d", "e"].map((key) => ({ key, arrivals: 1 })),
    });
  });

  it("act once per Idempotency-Key, answer alike each time and count the arrivals", async () => {
    const body = table;
    const first = await call("POST", "/reservations", { key: "same", body });
    expect(first.status).toBe(201);
    expect(await call("POST", "/reservations", { key: "same", body })).toEqual(first);
    const both = await Promise.all([1, 2].map(() => call("POST", "/reservations", { key: "same", body })));
    expect(both).toEqual([first, first]);
    expect(stack.restaurant.read()).toMatchObject({
      keys: [{ key: "same", arrivals: 4 }],
      effects: [{ kind: "reserved" }],
    });
    expect(stack.restaurant.read().reservations).toHaveLength(1);
  });

  it.each([
    ["another body", "POST", "/reservations", { ...table, partySize: 3 }],
    ["another path", "POST", "/messages", table],
  ])("refuse a key that comes again with %s", async (_what, method, path, body) => {
    await call("POST", "/reservations", { key: "same", body: table });
    const again = await call(method, path, { key: "same", body });
    expect([again.status, again.json]).toEqual([422, { error: "This Idempotency-Key was used for another request." }]);
    expect(stack.restaurant.read().effects).toHaveLength(1);
  });

  it("let a key ask again after a refusal, for nothing was done under it", async () => {
    stack.restaurant.script({ at: "reserve" });
    const refused = await call("POST", "/reservations", { key: "k", body: table });
    expect([refused.status, refused.json]).toEqual([409, { error: "The table was taken by somebody else." }]);
    expect((await call("POST", "/reservations", { key: "k", body: table })).status).toBe(201);
    expect(stack.restaurant.read().keys).toEqual([{ key: "k", arrivals: 2 }]);
  });

  it("release and refund once, whatever the key", async () => {
    const reservationId = await reserve("a");
    for (const key of ["b", "c"]) {
      expect((await call("DELETE", `/reservations/${reservationId}`, { key })).status).toBe(204);
    }
    expect(stack.restaurant.read().effects.map(({ kind }) => kind)).toEqual(["reserved", "released"]);
  });

  it.each([
    ["no key", "POST", "/reservations", { body: table }, 400],
    ["a key over the limit", "POST", "/reservations", { key: "k".repeat(513), body: table }, 400],
    ["a body that is no JSON", "POST", "/reservations", { key: "k", body: "{" }, 400],
    ["a body that is no object", "POST", "/reservations", { key: "k", body: [] }, 400],
    ["a missing field", "POST", "/reservations", { key: "k", body: { ...table, guest: "" } }, 400],
    ["a party of nobody", "POST", "/reservations", { key: "k", body: { ...table, partySize: 0 } }, 400],
    ["an unknown restaurant", "POST", "/reservations", { key: "k", body: { ...table, restaurantId: "x" } }, 404],
    [
      "a charge for no reservation",
      "POST",
      "/charges",
      { key: "k", body: { reservationId: "x", amountCents: 1 } },
      404,
    ],
    ["a message of no known kind", "POST", "/messages", { key: "k", body: { reservationId: "x", kind: "joke" } }, 400],
    ["an unknown reservation", "DELETE", "/reservations/x", { key: "k" }, 404],
    ["a reservation without a name", "DELETE", "/reservations/", { key: "k" }, 404],
    ["another method", "PUT", "/reservations", { key: "k", body: table }, 404],
    ["a search without a city", "GET", "/offers?partySize=2&at=now", {}, 400],
    ["a body over the limit", "POST", "/reservations", { key: "k", body: "x".repeat(65 * 1024) }, 413],
  ])("refuse %s in words, and do nothing", async (_what, method, path, o, status) => {
    const answer = await call(method, path, o);
    expect(answer.status).toBe(status);
    expect(answer.json?.["error"]).toEqual(expect.any(String));
    expect(stack.restaurant.read().effects).toEqual([]);
  });

  it("commit the faults that are ordered, the dangerous one after the effect", async () => {
    stack.faults.add({ server: "restaurant", match: "POST /reservations", action: "drop-after", count: 1 });
    await expect(call("POST", "/reservations", { key: "a", body: table })).rejects.toThrow();
    stack.faults.add({ server: "restaurant", action: "drop-before", count: 1 });
    await expect(call("POST", "/reservations", { key: "b", body: table })).rejects.toThrow();
    stack.faults.add({ server: "restaurant", action: "status", status: 503, count: 1 });
    expect((await call("POST", "/reservations", { key: "c", body: table })).status).toBe(503);
    stack.faults.add({ server: "restaurant", action: "duplicate", count: 1 });
    expect((await call("POST", "/reservations", { key: "d", body: table })).status).toBe(201);
    stack.faults.add({ server: "restaurant", action: "truncate", truncateBytes: 3, count: 1 });
    await expect(call("POST", "/reservations", { key: "e", body: table })).rejects.toThrow();
    expect(stack.restaurant.read().keys).toEqual([
      { key: "a", arrivals: 1 },
      { key: "d", arrivals: 2 },
      { key: "e", arrivals: 1 },
    ]);
    expect(stack.restaurant.read().reservations).toHaveLength(3);
  });

  it("answer late, on the stack's clock", async () => {
    stack.clock.freeze();
    stack.faults.add({ server: "restaurant", action: "delay", delayMs: 60_000, count: 1 });
    const answer = call("POST", "/reservations", { key: "a", body: table });
    await expect.poll(() => stack.faults.list()).toEqual([]);
    expect(stack.restaurant.read().effects).toEqual([]);
    await stack.clock.advance(60_000);
    expect((await answer).status).toBe(201);
    stack.clock.release();
  });
});

describe("orders to the restaurants", () => {
  const order = (body: unknown) => call("POST", "/_stack/restaurant", { url: stack.url, body });

  it("refuse as often as was asked, and only what matches", async () => {
    expect((await order([{ at: "charge", times: 2, match: "rsv_" }, { at: "search" }])).status).toBe(201);
    const reservationId = await reserve("a");
    const pay = (key: string) => call("POST", "/charges", { key, body: { reservationId, amountCents: 1 } });
    expect((await pay("b")).json).toEqual({ error: "The card was declined." });
    expect([(await pay("b")).status, (await pay("b")).status]).toEqual([402, 201]);
    expect((await call("GET", "/offers?city=Rome&partySize=2&at=now")).json).toEqual({ offers: [] });
    expect((await call("GET", "/_stack/restaurant", { url: stack.url })).json?.["queued"]).toEqual([]);
  });

  it.each([
    [{ at: "kitchen" }, "at must be one of search, reserve"],
    [{ at: "charge", times: 0 }, "times must be 1 or more"],
    [{ at: "charge", lateMs: -1 }, "lateMs must be 0 or more"],
    [{ at: "charge", reason: 1 }, "reason must be of type string"],
    [{ at: "charge", why: "x" }, "unknown field why"],
    [["charge"], "an order must be an object"],
  ])("are refused in words: %j", async (body, sentence) => {
    const refused = await order(body);
    expect([refused.status, String(refused.json?.["error"])]).toEqual([400, expect.stringContaining(sentence)]);
    expect(stack.restaurant.queued()).toEqual([]);
  });

  it("make an answer late whose effect is there at once, and the same request again is answered at once", async () => {
    stack.clock.freeze();
    await order({ at: "reserve", lateMs: 60_000 });
    const late = call("POST", "/reservations", { key: "a", body: table });
    await expect.poll(() => stack.restaurant.read().effects.length).toBe(1);
    const again = await call("POST", "/reservations", { key: "a", body: table });
    await stack.clock.advance(60_000);
    expect(await late).toEqual(again);
    expect(stack.restaurant.read().keys).toEqual([{ key: "a", arrivals: 2 }]);
    stack.clock.release();
  });

  it("are forgotten with everything else by DELETE", async () => {
    await reserve("a");
    await order({ at: "notify" });
    expect((await call("DELETE", "/_stack/restaurant", { url: stack.url })).status).toBe(204);
    expect((await call("GET", "/_stack/restaurant", { url: stack.url })).json).toEqual({
      queued: [],
      reservations: [],
      charges: [],
      messages: [],
      effects: [],
      keys: [],
    });
  });
});

describe("the client", () => {
  const signal = new AbortController().signal;
  const client = (url: string | undefined = stack.restaurantUrl) => restaurantClient({ url, fetch });

  it("finds, reserves, charges, tells and takes back", async () => {
    const { city, partySize, at, guest } = table;
    const [offer] = await client().search({ city, partySize, at }, signal);
    const { restaurantId } = offer!;
    const { reservationId } = await client().reserve({ city, partySize, at, guest, restaurantId }, "a", signal);
    const { chargeId } = await client().charge({ reservationId, amountCents: offer!.depositCents }, "b", signal);
    await client().notify({ reservationId, kind: "confirmation" }, "c", signal);
    await client().refund(chargeId, "d", signal);
    await client().release(reservationId, "e", signal);
    expect(stack.restaurant.read().effects.map(({ kind, key }) => `${kind} by ${key}`)).toEqual([
      "reserved by a",
      "charged by b",
      "notified by c",
      "refunded by d",
      "released by e",
    ]);
  });

  it("tells what another attempt would not change from what time may mend", async () => {
    stack.restaurant.script({ at: "charge", reason: "Only cash." });
    const reservationId = await reserve("a");
    const charge = () => client().charge({ reservationId, amountCents: 1 }, "b", signal);
    await expect(charge()).rejects.toEqual(new NonRetryableError("Only cash."));
    for (const fault of [
      { action: "status", status: 503 },
      { action: "status", status: 429 },
      { action: "status", status: 302, headers: { location: "https://evil.example" } },
      { action: "drop-before" },
      { action: "drop-after" },
      { action: "truncate", truncateBytes: 4 },
    ] as const) {
      stack.faults.add({ server: "restaurant", ...fault, count: 1 });
      await expect(charge(), fault.action).rejects.toMatchObject({ code: "partner_unavailable", disposition: "retry" });
    }
    expect((await charge()).chargeId).toEqual(expect.any(String));
    expect(stack.restaurant.read().charges).toHaveLength(1);
  });

  it("that is configured with no restaurants says which binding to set", async () => {
    const search = client("").search;
    await expect(restaurantClient({ url: undefined, fetch }).refund("x", "k", signal)).rejects.toThrow(
      "RESTAURANT_URL",
    );
    await expect(search({ city: "Rome", partySize: 2, at: "now" }, signal)).rejects.toBeInstanceOf(AppError);
  });

  it("takes an answer that it does not understand for a failure of the service", async () => {
    stack.faults.add({ server: "restaurant", action: "status", status: 200, body: "<html>", count: 1 });
    stack.faults.add({ server: "restaurant", action: "status", status: 200, body: '{"offers":[{}]}', count: 1 });
    for (const what of ["no JSON", "no offer"]) {
      const search = client().search({ city: "Rome", partySize: 2, at: "now" }, signal);
      await expect(search, what).rejects.toMatchObject({ code: "partner_unavailable" });
    }
  });
});
