import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  server.faults.clear();
  await server.command("FLUSHALL");
});

const count = async (): Promise<unknown> =>
  ((await (await server.command("GET", "n")).json()) as { result: unknown }).result;

describe("faults on demand", () => {
  it("a request dropped before had no effect", async () => {
    server.faults.add({ server: "redis", match: "incr", action: "drop-before", count: 1 });
    await expect(server.command("INCR", "n")).rejects.toThrow();
    expect(await count()).toBeNull();
  });

  it("a request dropped after had its effect", async () => {
    server.faults.add({ server: "redis", match: "INCR", action: "drop-after", count: 1 });
    await expect(server.command("incr", "n")).rejects.toThrow();
    expect(await count()).toBe("1");
  });

  it("a duplicated request has its effect twice, and the second answer arrives", async () => {
    server.faults.add({ server: "redis", match: "INCR", action: "duplicate", count: 1 });
    expect(await (await server.command("INCR", "n")).json()).toEqual({ result: 2 });
    expect(await (await server.command("INCR", "n")).json()).toEqual({ result: 3 });
  });

  it("a truncated answer breaks after so many bytes", async () => {
    server.faults.add({ server: "redis", action: "truncate", truncateBytes: 5, count: 1 });
    const answer = await server.command("ECHO", "hello");
    await expect(answer.text()).rejects.toThrow();
  });

  it("a status is answered in place of Redis, with headers and body", async () => {
    const headers = { "Retry-After": "7" };
    server.faults.add({ server: "redis", action: "status", status: 429, headers, body: '{"error":"slow"}', count: 1 });
    const answer = await server.command("INCR", "n");
    expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toEqual([
      429,
      "7",
      { error: "slow" },
    ]);
    expect(await count()).toBeNull();
  });

  it("a delayed request is served, and others overtake it", async () => {
    server.faults.add({ server: "redis", match: "slow", action: "delay", delayMs: 50, count: 1 });
    const order: string[] = [];
    await Promise.all(["slow", "fast"].map(async (word) => order.push(...(await echoed(word)))));
    expect(order).toEqual(["fast", "slow"]);
  });

  it("a stream is cut after so many bytes", async () => {
    server.faults.add({ server: "redis", match: "/subscribe/", action: "truncate", truncateBytes: 10, count: 1 });
    const headers = { Accept: "text/event-stream" };
    const answer = await server.request("/subscribe/c", { method: "POST", headers });
    await expect(answer.text()).rejects.toThrow();
  });
});

async function echoed(word: string): Promise<string[]> {
  const { result } = (await (await server.command("ECHO", word)).json()) as { result: string };
  return [result];
}
