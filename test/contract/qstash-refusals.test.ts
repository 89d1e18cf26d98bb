import { Client } from "@upstash/qstash";
import { describe, expect, it } from "vitest";
import { startQstash, type QstashRig } from "./qstash-rig.ts";

async function refusal(rig: QstashRig, path: string, headers: Record<string, string> = {}, body = "x") {
  const response = await rig.call("POST", path, { headers, body });
  const { error } = (await response.json()) as { error?: unknown };
  return { status: response.status, error: typeof error };
}

describe("a request without the right token", () => {
  it("is refused with 401, whatever it asks for", async () => {
    const { url, client, destination } = await startQstash();
    const stranger = new Client({ baseUrl: url, token: "wrong", enableTelemetry: false, devMode: false });
    await expect(stranger.publish({ url: destination.url })).rejects.toMatchObject({ status: 401 });
    expect((await fetch(`${url}/v2/keys`)).status).toBe(401);
    expect((await fetch(`${url}/v2/nothing`)).status).toBe(401);
    expect((await client.logs()).logs).toEqual([]);
  });
});

describe("a message that cannot be taken", () => {
  it.each([
    ["Upstash-Delay", "91d", 412],
    ["Upstash-Not-Before", "99999999999", 412],
    ["Upstash-Retries", "1000000", 412],
    ["Upstash-Timeout", "1000d", 412],
    ["Upstash-Delay", "soon", 400],
    ["Upstash-Delay", "-5s", 400],
    ["Upstash-Not-Before", "1.5", 400],
    ["Upstash-Retries", "-1", 400],
    ["Upstash-Retries", "many", 400],
    ["Upstash-Timeout", "0s", 400],
    ["Upstash-Method", "TRACE", 400],
    ["Upstash-Retry-Delay", "process.exit()", 400],
    ["Upstash-Callback", "ftp://elsewhere.example", 400],
    ["Upstash-Flow-Control-Key", "k", 400],
  ])("is refused when %s is %s", async (name, value, status) => {
    const rig = await startQstash();
    const path = `/v2/publish/${rig.destination.url}`;
    const item = { destination: rig.destination.url, headers: { [name]: value } };
    expect(await refusal(rig, "/v2/batch", {}, JSON.stringify([item]))).toEqual({ status, error: "string" });
    expect(await refusal(rig, path, { [name]: value })).toEqual({ status, error: "string" });
    await rig.idle();
    expect(rig.destination.deliveries).toHaveLength(0);
  });

  it.each([
    ["ftp://example.com/x", 400],
    ["http://", 400],
    ["http://[broken/", 400],
    ["http%3A%2F%2F%E0%A4%A", 400],
    ["api/llm", 400],
    ["an-unknown-group", 404],
  ])("is refused when its destination is %s", async (destination, status) => {
    const rig = await startQstash();
    expect(await refusal(rig, `/v2/publish/${destination}`)).toEqual({ status, error: "string" });
  });

  it.each([
    ["no JSON", "{"],
    ["no array", "{}"],
    ["an item that is null", "[null]"],
    ["an item without a destination", '[{"body":"x"}]'],
    ["a body that is no string", '[{"destination":"http://127.0.0.1:1/","body":{}}]'],
    ["a header that is no string", '[{"destination":"http://127.0.0.1:1/","headers":{"a":1}}]'],
    ["a header with a line break", '[{"destination":"http://127.0.0.1:1/","headers":{"upstash-forward-a":"x\\ny"}}]'],
    ["a bad header name", '[{"destination":"http://127.0.0.1:1/","headers":{"upstash-forward-bad@name":"x"}}]'],
    ["headers that are no object", '[{"destination":"http://127.0.0.1:1/","headers":"x"}]'],
  ])("is refused in a batch that has %s", async (_, body) => {
    expect(await refusal(await startQstash(), "/v2/batch", {}, body)).toEqual({ status: 400, error: "string" });
  });

  it("is refused with 413 above ten megabytes, and the server goes on", async () => {
    const rig = await startQstash();
    const body = Buffer.alloc(11 * 1024 * 1024, "x");
    const response = await rig.call("POST", `/v2/publish/${rig.destination.url}`, { body });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ error: expect.stringContaining("too large") });
    await rig.client.publish({ url: rig.destination.url });
    await rig.idle();
    expect(rig.destination.deliveries).toHaveLength(1);
  });
});

describe("what this server does not have", () => {
  it.each(["/v2/queues/none", "/v2/schedules/none", "/v2/topics/none", "/v2/nothing", "/v2", "/v2/messages/a/b"])(
    "is answered with 404 and a reason: %s",
    async (path) => {
      const { call } = await startQstash();
      const response = await call("GET", path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ error: expect.any(String) });
    },
  );
});

describe("a fault of the API", () => {
  it("drop-before loses the request, and the SDK's repetition is taken", async () => {
    const { client, destination, faults, idle } = await startQstash();
    faults.add({ server: "qstash", match: "/v2/publish", action: "drop-before", count: 1 });
    await client.publish({ url: destination.url });
    await idle();
    expect(destination.deliveries).toHaveLength(1);
  });

  it("drop-after loses the answer, so the SDK's repetition is a second message unless it carries an id", async () => {
    const { client, destination, faults, idle } = await startQstash();
    const lose = () => faults.add({ server: "qstash", action: "drop-after", count: 1 });
    lose();
    await client.publish({ url: destination.url, body: "twice" });
    lose();
    await client.publish({ url: destination.url, body: "once", deduplicationId: "d" });
    await idle();
    expect(destination.deliveries.map(({ body }) => body).toSorted()).toEqual(["once", "twice", "twice"]);
  });

  it("truncate takes a request, and its answer ends in the middle", async () => {
    const { client, destination, faults, idle } = await startQstash();
    faults.add({ server: "qstash", action: "truncate", truncateBytes: 5, count: 1 });
    await expect(client.publish({ url: destination.url })).rejects.toThrow(/./);
    await idle();
    expect(destination.deliveries).toHaveLength(1);
  });

  it("duplicate takes a request twice and answers once", async () => {
    const { client, destination, faults, idle } = await startQstash();
    faults.add({ server: "qstash", action: "duplicate", count: 1 });
    await client.publish({ url: destination.url });
    await idle();
    expect(destination.deliveries).toHaveLength(2);
  });

  it("status answers in place of the server", async () => {
    const { client, destination, faults, idle } = await startQstash();
    faults.add({ server: "qstash", action: "status", status: 503, body: '{"error":"down"}', count: 1 });
    await expect(client.publish({ url: destination.url })).rejects.toMatchObject({ status: 503 });
    await idle();
    expect(destination.deliveries).toHaveLength(0);
  });

  it("delay holds the answer until its time", async () => {
    const { client, destination, faults } = await startQstash("real");
    faults.add({ server: "qstash", action: "delay", delayMs: 20, count: 1 });
    const startMs = performance.now();
    await client.publish({ url: destination.url });
    expect(performance.now() - startMs).toBeGreaterThan(15);
  });
});

describe("a fault of a delivery", () => {
  it("drop-before loses the attempt, and the retry arrives as the first delivery", async () => {
    const { client, destination, faults, idle, clock } = await startQstash();
    faults.add({ server: "delivery", action: "drop-before", count: 1 });
    await client.publish({ url: destination.url });
    await idle();
    expect(destination.deliveries).toHaveLength(0);
    await clock.advance(12_000);
    expect(destination.deliveries.map(({ headers }) => headers["upstash-retried"])).toEqual(["1"]);
  });

  it("drop-after loses the answer, so the destination sees the same message twice", async () => {
    const { client, destination, faults, idle, clock } = await startQstash();
    faults.add({ server: "delivery", match: "/hook", action: "drop-after", count: 1 });
    const { messageId } = await client.publish({ url: destination.url });
    await idle();
    await clock.advance(12_000);
    const ids = destination.deliveries.map(({ headers }) => headers["upstash-message-id"]);
    expect(ids).toEqual([messageId, messageId]);
  });

  it("duplicate delivers one attempt twice", async () => {
    const { client, destination, faults, idle } = await startQstash();
    faults.add({ server: "delivery", match: "a body", action: "duplicate", count: 1 });
    await client.publish({ url: destination.url, body: "a body" });
    await idle();
    expect(destination.deliveries.map(({ headers }) => headers["upstash-retried"])).toEqual(["0", "0"]);
  });

  it("status answers in place of the destination, headers included", async () => {
    const { client, destination, faults, idle, clock } = await startQstash();
    faults.add({ server: "delivery", action: "status", status: 429, headers: { "retry-after": "90" }, count: 1 });
    await client.publish({ url: destination.url });
    await idle();
    await clock.advance(89_999);
    expect(destination.deliveries).toHaveLength(0);
    await clock.advance(1);
    expect(destination.deliveries).toHaveLength(1);
  });

  it("delay reorders: the later message overtakes the delayed one", async () => {
    const { client, destination, faults, idle, clock } = await startQstash();
    faults.add({ server: "delivery", match: "slow", action: "delay", delayMs: 5_000, count: 1 });
    await client.publish({ url: destination.url, body: "slow" });
    await client.publish({ url: destination.url, body: "quick" });
    await idle();
    await clock.advance(5_000);
    expect(destination.deliveries.map(({ body }) => body)).toEqual(["quick", "slow"]);
  });
});
