import { Client } from "@upstash/qstash";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import type { TrafficEntry } from "../../stack/traffic.ts";
import { startDestination } from "./qstash-rig.ts";

let stack: RunningStack;
let qstash: Client;

beforeAll(async () => {
  stack = await startStack();
  qstash = new Client({
    baseUrl: stack.qstashUrl,
    token: stack.qstashToken,
    enableTelemetry: false,
    devMode: false,
    retry: false,
  });
});
afterAll(() => stack.close());
beforeEach(async () => {
  await stack.qstashIdle();
  stack.traffic.clear();
  stack.ledger.reset();
});

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

function redis(...command: unknown[]): Promise<Response> {
  return fetch(stack.redisUrl, { method: "POST", headers: bearer(stack.redisToken), body: JSON.stringify(command) });
}

async function control(method: string, path: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${stack.url}/_stack/${path}`, { method });
  return { status: answer.status, body: await answer.text() };
}

/** The newest first. An answer is read before its socket has said that it is over, so this waits until all are. */
async function traffic(query = ""): Promise<TrafficEntry[]> {
  await expect.poll(() => stack.traffic.list().filter(({ durationMs }) => durationMs === undefined)).toEqual([]);
  const { body } = await control("GET", `traffic${query}`);
  return (JSON.parse(body) as { traffic: TrafficEntry[] }).traffic;
}

describe("/_stack/traffic", () => {
  it("shows requests to Redis with their answers, refused ones too", async () => {
    await (await redis("SET", "k", "grüße")).text();
    await (await fetch(`${stack.redisUrl}/get/k?_token=wrong`)).text();
    const [refused, set] = await traffic();
    expect(set).toMatchObject({
      number: 1,
      server: "redis",
      method: "POST",
      url: "/redis",
      status: 200,
      requestHeaders: { authorization: "[secret]" },
      requestBody: '["SET","k","grüße"]',
      requestBytes: 21,
      responseBody: '{"result":"OK"}',
      responseBytes: 15,
    });
    expect(refused).toMatchObject({ method: "GET", url: "/redis/get/k?_token=[secret]", status: 401 });
    expect(set?.durationMs).toBeGreaterThan(0);
  });

  it("shows what QStash was asked and what it delivered, without tokens and signatures", async () => {
    const destination = await startDestination();
    destination.answer(() => ({ status: 500, body: "not now" }));
    await qstash.publishJSON({
      url: `${destination.url}?token=t0p`,
      body: { n: 1, password: "pw" },
      headers: { cookie: "session=abc" },
      retries: 0,
    });
    await stack.qstashIdle();
    const [delivery, publish] = await traffic();
    expect(delivery).toMatchObject({
      server: "delivery",
      method: "POST",
      url: `${destination.url}?token=[secret]`,
      status: 500,
      requestHeaders: { cookie: "[secret]", "upstash-retried": "0" },
      requestBody: '{"n":1,"password":"[secret]"}',
      responseBody: "not now",
      responseBytes: 7,
    });
    expect(publish).toMatchObject({
      server: "qstash",
      url: `/v2/publish/${destination.url}?token=[secret]`,
      status: 201,
    });
    const { body } = await control("GET", "traffic");
    for (const secret of [stack.qstashToken, "t0p", "pw", "abc", "eyJ"]) expect(body).not.toContain(secret);
  });

  it("shows a delivery that had no answer, and why", async () => {
    await qstash.publish({ url: "http://127.0.0.1:9/", retries: 0 });
    await stack.qstashIdle();
    expect((await traffic("?server=delivery"))[0]).toMatchObject({
      status: 0,
      error: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("shows what the model was asked, and its streamed answer", async () => {
    const messages = [{ role: "user", content: "Hello!" }];
    const answer = await fetch(`${stack.modelBaseUrl}/chat/completions`, {
      method: "POST",
      headers: bearer(stack.modelApiKey),
      body: JSON.stringify({ model: "any", messages, stream: true }),
    });
    const text = await answer.text();
    const [entry] = await traffic("?server=model");
    expect(entry).toMatchObject({ status: 200, requestBody: expect.stringContaining("Hello!") });
    expect(entry?.responseBytes).toBe(Buffer.byteLength(text));
    expect(entry?.responseBody.startsWith("data: ")).toBe(true);
  });

  it("shows a stream while it goes on, and that its client left", async () => {
    const leaving = new AbortController();
    await fetch(`${stack.redisUrl}/subscribe/news`, {
      method: "POST",
      headers: { ...bearer(stack.redisToken), Accept: "text/event-stream" },
      signal: leaving.signal,
    });
    expect(stack.traffic.list()[0]).not.toHaveProperty("durationMs");
    leaving.abort();
    expect((await traffic())[0]).toMatchObject({ status: 200, error: expect.stringContaining("closed") });
  });

  it("shows the beginning of a large body, and how large it was", async () => {
    await (await redis("SET", "large", "x".repeat(5_000_000))).text();
    const [entry] = await traffic();
    expect(entry?.requestBytes).toBe('["SET","large",""]'.length + 5_000_000);
    expect(entry?.requestBody.length).toBeLessThan(3_000);
  });

  it("is filtered by server and limit, and emptied", async () => {
    for (const word of ["a", "b", "c"]) await (await redis("ECHO", word)).text();
    await qstash.logs();
    expect((await traffic("?server=redis&limit=2")).map(({ requestBody }) => requestBody)).toEqual([
      '["ECHO","c"]',
      '["ECHO","b"]',
    ]);
    expect(await traffic("?server=qstash")).toHaveLength(1);
    expect((await control("DELETE", "traffic")).status).toBe(204);
    expect(await traffic()).toEqual([]);
  });

  it.each(["server=nobody", "limit=0", "limit=501", "limit=x", "limit=1.5", "colour=red"])(
    "is refused with 400 for %s",
    async (query) => {
      const { status, body } = await control("GET", `traffic?${query}`);
      expect(status).toBe(400);
      expect(JSON.parse(body)).toEqual({ error: expect.any(String) });
    },
  );
});

describe("/_stack/ledger", () => {
  it("counts bytes by server, key prefix and URL", async () => {
    const destination = await startDestination();
    destination.answer(() => ({ status: 200, body: "thanks" }));
    await (await redis("SET", "session:{ada}:1", "12345")).text();
    await (await redis("GET", "session:{ada}:1")).text();
    await (await redis("EVAL", "return redis.call('GET', KEYS[1])", 1, "session:{ada}:1")).text();
    await qstash.publish({ url: destination.url, body: "0123456789" });
    await stack.qstashIdle();
    await traffic();
    const reading = JSON.parse((await control("GET", "ledger")).body) as ReturnType<RunningStack["ledger"]["read"]>;
    expect(reading).toMatchObject({
      // SET k v → OK; GET k → 12345; EVAL script 1 k → 12345
      bytesByKeyPrefix: { session: { in: 3 + 15 + 5 + (3 + 15) + (4 + 33 + 1 + 15), out: 2 + 5 + 5 } },
      bytesByUrl: { [destination.url]: { in: 6, out: 10 } },
      bytes: { delivery: { in: 6, out: 10 }, model: { in: 0, out: 0 } },
    });
    expect(reading.bytes.redis.out).toBe('{"result":"OK"}'.length + 2 * '{"result":"12345"}'.length);
    expect(reading.bytes.qstash.in).toBe(10);
  });
});
