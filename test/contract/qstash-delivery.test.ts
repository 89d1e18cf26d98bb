import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { at, qstashToken, startDestination, startQstash } from "./qstash-rig.ts";

/** Some containers have no IPv6 at all. */
const loopbacks = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .map(({ address }) => address)
  .filter((address) => address === "127.0.0.1" || address === "::1");

describe("publish", () => {
  it("delivers JSON with the method, path, query, forwarded headers and QStash's own headers", async () => {
    const { client, destination, idle } = await startQstash();
    const answer = await client.publishJSON({
      url: `${destination.url}?a=1&b=%20x`,
      body: { hello: "wörld" },
      method: "PUT",
      headers: { "x-run": "7" },
    });
    await idle();
    const [delivery] = destination.deliveries;
    expect(delivery).toMatchObject({
      method: "PUT",
      path: "/hook?a=1&b=%20x",
      body: '{"hello":"wörld"}',
      headers: {
        "content-type": "application/json",
        "x-run": "7",
        "user-agent": "Upstash-QStash",
        "upstash-message-id": answer.messageId,
        "upstash-retried": "0",
        "upstash-caller-ip": "127.0.0.1",
      },
    });
    expect(answer.messageId).toMatch(/^msg_\w+$/);
  });

  it("delivers raw bytes unchanged, and no body as none", async () => {
    const { client, destination, idle, call } = await startQstash();
    await client.publish({ url: destination.url, body: "plain, not JSON" });
    await idle();
    await call("POST", `/v2/publish/${destination.url}`, { headers: { "Upstash-Method": "GET" } });
    await idle();
    expect(destination.deliveries.map(({ method, body }) => [method, body])).toEqual([
      ["POST", "plain, not JSON"],
      ["GET", ""],
    ]);
  });

  it("never delivers hop-by-hop and computed headers, nor the sender's token, even when they are forwarded", async () => {
    const { destination, idle, call } = await startQstash();
    const { status } = await call("POST", `/v2/publish/${destination.url}`, {
      headers: {
        "Upstash-Header-Forward": "true",
        "Upstash-Forward-Host": "elsewhere.example",
        "Upstash-Forward-Content-Length": "3",
        "Upstash-Forward-Transfer-Encoding": "chunked",
        "Upstash-Forward-Proxy-Authorization": "secret",
        "X-Plain": "yes",
      },
      body: "0123456789",
    });
    await idle();
    const { headers, body } = at(destination.deliveries, 0);
    expect(status).toBe(201);
    expect(body).toBe("0123456789");
    expect(headers).toMatchObject({ host: `127.0.0.1:${destination.port}`, "content-length": "10", "x-plain": "yes" });
    expect(headers).not.toHaveProperty("authorization");
    expect(headers).not.toHaveProperty("proxy-authorization");
    expect(headers).not.toHaveProperty("transfer-encoding");
  });

  it("takes the token and options as query parameters and keeps them out of the destination", async () => {
    const { url, destination, idle } = await startQstash();
    const query = `a=1&qstash_token=${qstashToken}&upstash-method=patch&z=%2F`;
    const { status } = await fetch(`${url}/v2/publish/${destination.url}?${query}`, { method: "POST", body: "x" });
    await idle();
    expect(status).toBe(201);
    expect(at(destination.deliveries, 0)).toMatchObject({ method: "PATCH", path: "/hook?a=1&z=%2F" });
  });

  it("tolerates a destination that is percent-encoded", async () => {
    const { destination, idle, call } = await startQstash();
    await call("POST", `/v2/publish/${encodeURIComponent(destination.url)}`);
    await idle();
    expect(destination.deliveries).toHaveLength(1);
  });

  it.each(loopbacks)("reaches a server of localhost that listens on %s alone", async (host) => {
    const { client, idle } = await startQstash();
    const destination = await startDestination(host);
    await client.publish({ url: `http://localhost:${destination.port}/hook`, retries: 0 });
    await idle();
    expect(destination.deliveries).toHaveLength(1);
  });

  it("counts every delivery attempt as one billed message", async () => {
    const { client, destination, idle, ledger, clock } = await startQstash();
    destination.answer((_, index) => ({ status: index === 0 ? 500 : 200 }));
    await client.publish({ url: destination.url });
    await idle();
    await clock.advance(12_000);
    expect(ledger.read()).toMatchObject({ messages: 2, byUrl: { [destination.url]: 2 } });
  });
});

describe("messages that wait", () => {
  it("come in the order of their times when time is advanced, a thousand of them", async () => {
    const { call, destination, clock, idle } = await startQstash();
    // A step that is prime to the count visits each time once, in no order.
    const seconds = Array.from({ length: 1_000 }, (_, index) => ((index * 619) % 1_000) + 1);
    const items = seconds.map((delay) => ({
      destination: destination.url,
      headers: { "upstash-delay": `${delay}s` },
      body: String(delay),
    }));
    await call("POST", "/v2/batch", { body: JSON.stringify(items) });
    await clock.advance(1_000_000);
    await idle();
    const arrived = destination.deliveries.map(({ body }) => Number(body));
    expect(arrived).toEqual(seconds.toSorted((left, right) => left - right));
  });
});

describe("batch", () => {
  it("answers in order, and an item that cannot be taken leaves the others alone", async () => {
    const { client, destination, idle } = await startQstash();
    const answers = await client.batchJSON([
      { url: destination.url, body: { item: 0 }, headers: { "x-item": "zero" } },
      { url: destination.url, body: { item: 1 }, retries: 1_000_000 },
      { url: destination.url, body: { item: 2 } },
    ]);
    await idle();
    expect(answers).toEqual([
      { messageId: expect.stringMatching(/^msg_/) },
      { error: expect.stringContaining("maxRetries") },
      { messageId: expect.stringMatching(/^msg_/) },
    ]);
    expect(destination.deliveries.map(({ body }) => body).toSorted()).toEqual(['{"item":0}', '{"item":2}']);
    expect(destination.deliveries.find(({ body }) => body === '{"item":0}')?.headers["x-item"]).toBe("zero");
  });

  it("answers with the status of the refusal when no item was taken", async () => {
    const { destination, call } = await startQstash();
    const item = { destination: destination.url, headers: { "upstash-delay": "91d" } };
    expect((await call("POST", "/v2/batch", { body: JSON.stringify([item]) })).status).toBe(412);
  });
});
