import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { at, startQstash } from "./qstash-rig.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe("a delay", () => {
  it("holds the message until its time, to the millisecond", async () => {
    const { client, destination, clock, idle } = await startQstash();
    await client.publish({ url: destination.url, delay: 5_400 });
    await idle();
    await clock.advance(1.5 * hourMs - 1);
    expect(destination.deliveries).toHaveLength(0);
    await clock.advance(1);
    expect(destination.deliveries).toHaveLength(1);
  });

  it("is overruled by a point in time", async () => {
    const { client, destination, clock } = await startQstash();
    const inOneHourSeconds = Math.ceil(clock.now() / 1_000) + 3_600;
    await client.publish({ url: destination.url, delay: 5, notBefore: inOneHourSeconds });
    await clock.advance(hourMs - 1_000);
    expect(destination.deliveries).toHaveLength(0);
    await clock.advance(2_000);
    expect(destination.deliveries).toHaveLength(1);
  });

  it("lets messages arrive in order of their time, not of their publication", async () => {
    const { client, destination, clock } = await startQstash();
    await client.publish({ url: destination.url, body: "second", delay: 20 });
    await client.publish({ url: destination.url, body: "first", delay: 10 });
    await clock.advance(60_000);
    expect(destination.deliveries.map(({ body }) => body)).toEqual(["first", "second"]);
  });
});

describe("retries", () => {
  it("follow the default schedule and end after the last one", async () => {
    const { client, destination, clock, idle } = await startQstash();
    const startMs = clock.now();
    const timesMs: number[] = [];
    destination.answer(() => {
      timesMs.push(clock.now() - startMs);
      return { status: 503 };
    });
    await client.publish({ url: destination.url, retries: 5 });
    await idle();
    await clock.advance(3 * dayMs);
    const waitsSeconds = timesMs.slice(1).map((time, index) => (time - at(timesMs, index)) / 1_000);
    expect(waitsSeconds).toEqual([12, 148, 1_808, 22_026, 86_400]);
    expect(destination.deliveries.map(({ headers }) => headers["upstash-retried"])).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
    ]);
  });

  it("are three when the sender names no number, and none when it names 0", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(() => ({ status: 500 }));
    await client.publish({ url: destination.url, body: "default" });
    await client.publish({ url: destination.url, body: "none", retries: 0 });
    await idle();
    await clock.advance(3 * dayMs);
    const count = (wanted: string) => destination.deliveries.filter(({ body }) => body === wanted).length;
    expect([count("default"), count("none")]).toEqual([4, 1]);
  });

  it("end with the first success", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer((_, index) => ({ status: index < 2 ? 500 : 204 }));
    await client.publish({ url: destination.url, retries: 5 });
    await idle();
    await clock.advance(3 * dayMs);
    expect(destination.deliveries).toHaveLength(3);
    expect((await client.dlq.listMessages()).messages).toEqual([]);
  });

  it("wait as long as the sender's expression says", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(() => ({ status: 500 }));
    await client.publish({ url: destination.url, retries: 3, retryDelay: "min(1000 * pow(2, retried), 3000)" });
    await idle();
    const counts: number[] = [];
    for (const ms of [999, 1, 1_999, 1, 2_999, 1]) {
      await clock.advance(ms);
      counts.push(destination.deliveries.length);
    }
    expect(counts).toEqual([1, 2, 2, 3, 3, 4]);
  });

  it.each([
    ["Retry-After", "40"],
    ["X-RateLimit-Reset", "40s"],
    ["X-RateLimit-Reset-Requests", "0m40s"],
    ["X-RateLimit-Reset-Tokens", "40000ms"],
  ])("wait as long as the destination asks with %s: %s", async (name, value) => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(() => ({ status: 429, headers: { [name]: value } }));
    await client.publish({ url: destination.url, retries: 1, retryDelay: "1000" });
    await idle();
    await clock.advance(39_999);
    expect(destination.deliveries).toHaveLength(1);
    await clock.advance(1);
    expect(destination.deliveries).toHaveLength(2);
  });

  it("do not follow a redirect: it is a failure", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(() => ({ status: 307, headers: { Location: "/elsewhere" } }));
    await client.publish({ url: destination.url, retries: 1 });
    await idle();
    await clock.advance(dayMs);
    expect(destination.deliveries.map(({ path }) => path)).toEqual(["/hook", "/hook"]);
    expect((await client.dlq.listMessages()).messages).toMatchObject([{ responseStatus: 307 }]);
  });

  it("do not happen after 489 with the header that forbids them, and do after 489 alone", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(({ body }) => ({
      status: 489,
      headers: body === "final" ? { "Upstash-NonRetryable-Error": "true" } : {},
    }));
    await client.publish({ url: destination.url, body: "final", retries: 2 });
    await client.publish({ url: destination.url, body: "ordinary", retries: 2 });
    await idle();
    await clock.advance(dayMs);
    const count = (wanted: string) => destination.deliveries.filter(({ body }) => body === wanted).length;
    expect([count("final"), count("ordinary")]).toEqual([1, 3]);
    expect((await client.dlq.listMessages()).messages).toHaveLength(2);
  });

  it("happen when nobody listens", async () => {
    const { client, clock, idle, ledger } = await startQstash();
    const url = "http://127.0.0.1:1/nobody";
    await client.publish({ url, retries: 2 });
    await idle();
    await clock.advance(dayMs);
    expect(ledger.read().byUrl[url]).toBe(3);
    expect((await client.dlq.listMessages()).messages).toMatchObject([{ responseStatus: 0, url }]);
  });

  it("happen when the destination does not answer in time", async () => {
    const { client, destination, idle } = await startQstash("real");
    destination.answer((_, index) => (index === 0 ? undefined : { status: 200 }));
    await client.publish({ url: destination.url, retries: 1, retryDelay: "0", timeout: 1 });
    await idle();
    expect(destination.deliveries).toHaveLength(2);
  });
});

describe("a waiting message", () => {
  it("can be read until it is delivered, and is unknown then", async () => {
    const { client, destination, clock } = await startQstash();
    const { messageId } = await client.publishJSON({
      url: destination.url,
      body: { n: 1 },
      delay: 60,
      retries: 7,
      label: "kind",
      headers: { "test-header": "v" },
    });
    expect(await client.messages.get(messageId)).toMatchObject({
      messageId,
      url: destination.url,
      method: "POST",
      body: '{"n":1}',
      header: { "Test-Header": ["v"], "Content-Type": ["application/json"] },
      maxRetries: 7,
      notBefore: clock.now() + 60_000,
      createdAt: clock.now(),
      label: "kind",
    });
    await clock.advance(60_000);
    await expect(client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
  });

  it("is never delivered once it was cancelled", async () => {
    const { client, destination, clock, idle } = await startQstash();
    const { messageId } = await client.publish({ url: destination.url, delay: 60 });
    await client.messages.cancel(messageId);
    await clock.advance(dayMs);
    await idle();
    expect(destination.deliveries).toHaveLength(0);
    await expect(client.messages.cancel(messageId)).rejects.toMatchObject({ status: 404 });
  });

  it("is cancelled in bulk by label, by ids or with all others", async () => {
    const { client, destination } = await startQstash();
    const publish = (label: string) => client.publish({ url: destination.url, delay: 60, label });
    await publish("a");
    const { messageId } = await publish("b");
    await publish("c");
    await publish("c");
    expect(await client.messages.cancel({ filter: { label: "a" } })).toEqual({ cancelled: 1 });
    expect(await client.messages.cancel([messageId])).toEqual({ cancelled: 1 });
    expect(await client.messages.cancel({ all: true })).toEqual({ cancelled: 2 });
  });

  it("is cancelled in bulk at most as often as the count says", async () => {
    const { client, call, destination } = await startQstash();
    for (const label of ["a", "a", "b"]) await client.publish({ url: destination.url, delay: 60, label });
    expect(await client.messages.cancel({ filter: { label: "a" }, count: 1 })).toEqual({ cancelled: 1 });
    expect(await client.messages.cancel({ all: true, count: 5 })).toEqual({ cancelled: 2 });
    expect((await call("DELETE", "/v2/messages?count=many")).status).toBe(400);
  });

  it("is not tried again when it was cancelled between two attempts", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(() => ({ status: 500 }));
    const { messageId } = await client.publish({ url: destination.url });
    await idle();
    await client.messages.cancel(messageId);
    await clock.advance(dayMs);
    expect(destination.deliveries).toHaveLength(1);
    expect((await client.dlq.listMessages()).messages).toEqual([]);
  });
});

describe("a message that is cancelled while it is delivered", () => {
  it.each([200, 500])("has no outcome, whatever is answered: %d", async (status) => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer(async ({ headers }) => {
      await client.messages.cancel(String(headers["upstash-message-id"]));
      return { status };
    });
    await client.publish({
      url: destination.url,
      callback: `${destination.url}/told`,
      failureCallback: destination.url,
    });
    await idle();
    await clock.advance(dayMs);
    const { logs } = await client.logs();
    expect(destination.deliveries).toHaveLength(1);
    expect(logs.map(({ state }) => state)).toEqual(["CANCELED", "CANCEL_REQUESTED", "ACTIVE", "CREATED"]);
    expect((await client.dlq.listMessages()).messages).toEqual([]);
  });
});

describe("the event log", () => {
  it("tells the life of a message, the newest first", async () => {
    const { client, destination, clock, idle } = await startQstash();
    destination.answer((_, index) => ({ status: index === 0 ? 500 : 200, body: "answer" }));
    const { messageId } = await client.publish({ url: destination.url, body: "x" });
    await idle();
    const retriedAtMs = clock.now();
    await clock.advance(12_000);
    const { logs } = await client.logs({ filter: { messageId } });
    expect(logs.map(({ state }) => state)).toEqual(["DELIVERED", "ACTIVE", "RETRY", "ERROR", "ACTIVE", "CREATED"]);
    expect(at(logs, 2)).toMatchObject({ nextDeliveryTime: retriedAtMs + 12_000, time: retriedAtMs });
    expect(at(logs, 0)).toMatchObject({ responseStatus: 200, responseBody: "answer", url: destination.url });
    expect(at(logs, 5).body).toBe(Buffer.from("x").toString("base64"));
  });

  it("is read page by page, and by state", async () => {
    const { client, destination, idle } = await startQstash();
    await client.publish({ url: destination.url });
    await idle();
    const first = await client.logs({ count: 2 });
    const rest = await client.logs({ count: 2, ...(first.cursor !== undefined && { cursor: first.cursor }) });
    expect([...first.logs, ...rest.logs].map(({ state }) => state)).toEqual(["DELIVERED", "ACTIVE", "CREATED"]);
    expect(rest.cursor).toBeUndefined();
    expect((await client.logs({ filter: { state: "CREATED" } })).logs).toHaveLength(1);
  });
});

describe("an answer that is no whole HTTP response", () => {
  it.each([
    ["cut in its body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"],
    ["no HTTP at all", "good morning\r\n\r\n"],
    ["nothing", ""],
  ])("is a failure: %s", async (_, bytes) => {
    const { client, idle } = await startQstash();
    const server = createServer((socket) => void socket.once("data", () => socket.end(bytes)));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    await client.publish({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, retries: 0 });
    await idle();
    expect((await client.dlq.listMessages()).messages).toMatchObject([{ responseStatus: 0 }]);
  });
});
