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

  it("runs a read-only script, and refuses what writes", async () => {
    await redis.set("k", "v");
    const script = redis.createScript<string, true>("return redis.call('GET', KEYS[1])", { readonly: true });
    expect(await script.exec(["k"], [])).toBe("v");
    expect(await script.evalshaRo(["k"], [])).toBe("v");
    await expect(redis.evalRo("return redis.call('DEL', KEYS[1])", ["k"], [])).rejects.toThrow("Write commands");
  });

  it("loads, calls, lists and deletes functions", async () => {
    const code = "#!lua name=lib\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)";
    expect(await redis.functions.load({ code, replace: true })).toBe("lib");
    expect(await redis.functions.call("twice", [], ["21"])).toBe(42);
    expect(await redis.functions.callRo("twice", [], ["4"])).toBe(8);
    expect(await redis.functions.list({ withCode: true })).toMatchObject([{ libraryName: "lib", libraryCode: code }]);
    expect(await redis.functions.delete("lib")).toBe("OK");
  });

  it("lets fields of a hash expire by themselves", async () => {
    await redis.hset("hash", { short: 1, long: 2, stays: 3 });
    expect(await redis.hexpire("hash", ["short", "absent"], 100)).toEqual([1, -2]);
    expect(await redis.hpexpireat("hash", "long", Date.now() + 500_000)).toEqual([1]);
    const [left = 0] = await redis.hpttl("hash", "long");
    expect(left).toBeGreaterThan(400_000);
    expect(await redis.hpersist("hash", "short")).toEqual([1]);
    expect(await redis.httl("hash", ["short", "stays"])).toEqual([-1, -1]);
    expect(await redis.hexpire("hash", "stays", 0)).toEqual([2]);
    expect(await redis.hkeys("hash")).toEqual(["short", "long"]);
  });

  it("sets, reads and deletes fields of a hash together with their expiry", async () => {
    expect(await redis.hsetex("hash", { expiration: { ex: 100 } }, { a: 1, b: 2 })).toBe(1);
    expect(await redis.httl("hash", ["a", "b"])).toEqual([100, 100]);
    expect(await redis.hgetex("hash", { persist: true }, "a")).toEqual({ a: 1 });
    expect(await redis.httl("hash", "a")).toEqual([-1]);
    expect(await redis.hgetdel("hash", "a", "absent")).toEqual({ a: 1, absent: null });
    expect(await redis.hgetall("hash")).toEqual({ b: 2 });
  });

  it("reads a group's stream, acknowledges and deletes in one go", async () => {
    const id = await redis.xadd("stream", "*", { n: 1 });
    await redis.xgroup("stream", { type: "CREATE", group: "g", id: "0" });
    expect(await redis.xreadgroup("g", "c", "stream", ">")).toEqual([["stream", [[id, ["n", 1]]]]]);
    expect(await redis.xackdel("stream", "g", "DELREF", id)).toEqual([1]);
    expect(await redis.xlen("stream")).toBe(0);
  });

  it("stores JSON documents and changes them in place", async () => {
    await redis.json.set("doc", "$", { visits: 1, tags: ["a"] });
    expect(await redis.json.numincrby("doc", "$.visits", 2)).toEqual([3]);
    expect(await redis.json.arrappend("doc", "$.tags", '"b"')).toEqual([2]);
    expect(await redis.json.get("doc")).toEqual({ visits: 3, tags: ["a", "b"] });
    expect(await redis.pipeline().json.get("doc", "$.tags").type("doc").exec()).toEqual([[["a", "b"]], "json"]);
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

  it("listens to several channels, and leaves one without leaving the others", async () => {
    const subscriber = redis.subscribe<number>(["one", "two"]);
    await expect.poll(async () => (await redis.publish("one", 0)) + (await redis.publish("two", 0))).toBe(2);
    await subscriber.unsubscribe(["one"]);
    await expect.poll(() => redis.publish("one", 1)).toBe(0);
    const message = heard(subscriber, "message");
    expect(await redis.publish("two", 2)).toBe(1);
    expect(await message).toEqual({ channel: "two", message: 2 });
    await subscriber.unsubscribe();
  });
});

function heard(subscriber: ReturnType<Redis["subscribe"]>, type: "subscribe" | "psubscribe" | "message" | "pmessage") {
  return new Promise((resolve) => subscriber.on(type as "message", resolve));
}
