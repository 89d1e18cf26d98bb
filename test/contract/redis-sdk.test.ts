import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis({ url: server.url, token: server.token, enableTelemetry: false });
});
afterAll(() => server.close());
beforeEach(async () => {
  await redis.flushall();
});

describe("@upstash/redis against the local front", () => {
  it("gets back the values that it stored, of every JSON type and in every script of the world", async () => {
    for (const value of [{ a: [1, null] }, "plain", 42, true, "naïve 😀 日本", "OK", ""]) {
      expect(await redis.set("value", value)).toBe("OK");
      expect(await redis.get("value")).toEqual(value);
    }
    expect(await redis.get("absent")).toBeNull();
  });

  it("reads hashes, lists, sets, sorted sets and streams", async () => {
    await redis.hset("hash", { a: 1, b: { c: "d" } });
    expect(await redis.hgetall("hash")).toEqual({ a: 1, b: { c: "d" } });
    await redis.rpush("list", "OK", "b");
    expect(await redis.lrange("list", 0, -1)).toEqual(["OK", "b"]);
    await redis.zadd("scores", { score: 1.5, member: "x" }, { score: 2, member: "y" });
    expect(await redis.zrange("scores", 0, -1, { withScores: true })).toEqual(["x", 1.5, "y", 2]);
    const id = await redis.xadd("stream", "*", { field: "value" });
    expect(await redis.xrange("stream", "-", "+")).toEqual({ [id]: { field: "value" } });
  });

  it("answers a pipeline in order, with the error of one command in its place", async () => {
    await redis.set("text", "abc");
    const results = await redis.pipeline().set("a", 1).incr("text").get("a").exec({ keepErrors: true });
    expect(results.map((entry) => entry.result)).toEqual(["OK", undefined, 1]);
    expect(results[1]?.error).toContain("not an integer");
  });

  it("keeps concurrent transactions apart", async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) => redis.multi().set(`key-${index}`, index).get(`key-${index}`).exec()),
    );
    expect(results).toEqual(Array.from({ length: 50 }, (_, index) => ["OK", index]));
  });

  it("runs a script by its text, by its hash, and again after Redis forgot it", async () => {
    const script = redis.createScript<[string, string]>("return {KEYS[1], ARGV[1]}");
    expect(await script.exec(["k"], ["v"])).toEqual(["k", "v"]);
    expect(await redis.scriptExists(script.sha1)).toEqual([1]);
    await redis.scriptFlush();
    await expect(script.evalsha(["k"], ["v"])).rejects.toThrow("NOSCRIPT");
    expect(await script.exec(["k"], ["v"])).toEqual(["k", "v"]);
    expect(await redis.scriptLoad("return 1")).toBe("e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  });

  it("scans with types", async () => {
    await redis.set("text", "x");
    await redis.sadd("set", "x");
    const [cursor, found] = await redis.scan("0", { withType: true });
    expect(cursor).toBe("0");
    expect(found).toEqual(
      expect.arrayContaining([
        { key: "text", type: "string" },
        { key: "set", type: "set" },
      ]),
    );
  });

  it("copies a key onto itself without an error", async () => {
    await redis.set("text", "x");
    expect(await redis.copy("text", "text")).toBe("NOT_COPIED");
  });

  it("receives a new sync token with each answer", async () => {
    await redis.set("a", 1);
    const first = redis.readYourWritesSyncToken;
    await redis.set("a", 2);
    expect(first).toBeTruthy();
    expect(redis.readYourWritesSyncToken).not.toBe(first);
  });

  it("works without base64 and on a path below the origin's root", async () => {
    const plain = new Redis({ url: server.url, token: server.token, responseEncoding: false });
    await plain.set("emoji", "😀");
    expect(await plain.get("emoji")).toBe("😀");
  });

  it("delivers what is published to channels and patterns", async () => {
    const channel = redis.subscribe<string>(["news"]);
    const pattern = redis.psubscribe<{ n: number }>(["ne*"]);
    await Promise.all([heard(channel, "subscribe"), heard(pattern, "psubscribe")]);
    const messages = Promise.all([heard(channel, "message"), heard(pattern, "pmessage")]);
    expect(await redis.publish("news", { n: 1, text: "a, b" })).toBe(2);
    expect(await messages).toEqual([
      { channel: "news", message: { n: 1, text: "a, b" } },
      { pattern: "ne*", channel: "news", message: { n: 1, text: "a, b" } },
    ]);
    await Promise.all([channel.unsubscribe(), pattern.unsubscribe()]);
    await expect.poll(() => redis.publish("news", 1)).toBe(0);
  });
});

function heard(subscriber: ReturnType<Redis["subscribe"]>, type: "subscribe" | "psubscribe" | "message" | "pmessage") {
  return new Promise((resolve) => subscriber.on(type as "message", resolve));
}
