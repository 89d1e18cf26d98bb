import { Redis } from "@upstash/redis";
import type { RedisConfigNodejs } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.command("FLUSHALL");
  server.ledger.reset();
});

const connect = (config: Partial<RedisConfigNodejs> = {}): Redis =>
  new Redis({ url: server.url, token: server.token, enableTelemetry: false, ...config });

describe("the client's pipelining of its own accord", () => {
  it("sends the commands of one tick in one request for reads and one for writes", async () => {
    const redis = connect({ enableAutoPipelining: true });
    await Promise.all([redis.set("a", 1), redis.incr("b"), redis.hset("c", { f: 1 }), redis.get("a"), redis.get("b")]);
    expect(server.ledger.read()).toMatchObject({ roundTrips: 2, commands: 5 });
  });

  it("tells an error to the command that caused it, and the others their results", async () => {
    const redis = connect({ enableAutoPipelining: true });
    await redis.set("text", "x");
    const [failed, counted] = await Promise.allSettled([redis.incr("text"), redis.incr("number")]);
    expect(failed).toMatchObject({
      status: "rejected",
      reason: { message: expect.stringContaining("not an integer") },
    });
    expect(counted).toEqual({ status: "fulfilled", value: 1 });
  });

  it("can be off, and then each command is a request", async () => {
    const redis = connect({ enableAutoPipelining: false });
    await Promise.all([redis.get("a"), redis.get("b")]);
    expect(server.ledger.read().roundTrips).toBe(2);
  });
});

describe("reading one's own writes", () => {
  it("gives the client a token with each answer, pipelines and transactions included", async () => {
    const redis = connect({ enableAutoPipelining: false });
    const tokens: unknown[] = [];
    const remember = (): number => tokens.push(redis.readYourWritesSyncToken);
    await redis.set("a", 1);
    remember();
    await redis.pipeline().set("a", 2).exec();
    remember();
    await redis.multi().set("a", 3).exec();
    remember();
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens.every((token) => typeof token === "string" && token !== "")).toBe(true);
  });

  it("can be off, and then the client keeps no token", async () => {
    const redis = connect({ readYourWrites: false });
    await redis.set("a", 1);
    expect(redis.readYourWritesSyncToken).toBe("");
    expect(await redis.get("a")).toBe(1);
  });
});

describe("values on their way", () => {
  it("stay as they are stored without automatic deserialization", async () => {
    const redis = connect({ automaticDeserialization: false });
    await redis.set("object", { a: 1 });
    await redis.set("number", "007");
    await redis.hset("hash", { n: 1, flag: true });
    expect(await redis.get("object")).toBe('{"a":1}');
    expect(await redis.mget("number", "absent")).toEqual(["007", null]);
    expect(await redis.hgetall("hash")).toEqual(["n", "1", "flag", "true"]);
    expect(await redis.zadd("scores", { score: 1.5, member: "m" })).toBe(1);
    expect(await redis.zscore("scores", "m")).toBe("1.5");
  });

  it("numbers beyond 2^53 come back as they were sent", async () => {
    const redis = connect();
    await redis.set("big", "101600000000150081467");
    expect(await redis.get("big")).toBe("101600000000150081467");
  });

  it("bytes of any kind arrive in base64 and are read as text where they are text", async () => {
    const redis = connect({ automaticDeserialization: false });
    const text = 'quotes " and \\ and \u0000\u0001\u001f\u007f\u2028 and 日本 😀';
    await redis.set("text", text);
    expect(await redis.get("text")).toBe(text);
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await server.request("/set/bytes", { method: "POST", body: bytes });
    expect(await redis.strlen("bytes")).toBe(256);
    expect(await redis.getrange("bytes", 65, 70)).toBe("ABCDEF");
    expect(await redis.bitcount("bytes", 0, -1)).toBe(1024);
  });

  it("are the same with and without base64", async () => {
    const value = { text: "é", list: ["OK", null, 1.5] };
    for (const responseEncoding of ["base64", false] as const) {
      const redis = connect({ responseEncoding });
      expect(await redis.set("value", value)).toBe("OK");
      expect(await redis.get("value")).toEqual(value);
      await redis.del("list");
      await redis.rpush<unknown>("list", "OK", value);
      expect(await redis.lrange("list", 0, -1)).toEqual(["OK", value]);
      expect(await redis.multi().get("value").lrange("list", 0, 0).exec()).toEqual([value, ["OK"]]);
    }
  });
});

describe("what goes wrong", () => {
  it("an error of Redis is thrown with its words and its command", async () => {
    const redis = connect({ enableAutoPipelining: false });
    await redis.set("text", "x");
    await expect(redis.incr("text")).rejects.toMatchObject({
      name: "UpstashError",
      message: expect.stringMatching(/^ERR value is not an integer.*command was: \["incr","text"\]$/),
    });
  });

  it("a transaction that cannot run is thrown as a whole, and a wrong token as well", async () => {
    const transaction = connect().multi().set("a", 1);
    transaction.eval("return 1", ["k".repeat(40_000)], []);
    await expect(transaction.exec()).rejects.toThrow("ERR max key size exceeded");
    expect(await connect().exists("a")).toBe(0);
    await expect(connect({ token: "wrong" }).get("a")).rejects.toThrow("WRONGPASS");
  });

  it("a read-only token reads and does not write", async () => {
    const redis = connect({ token: server.readOnlyToken });
    expect(await redis.get("a")).toBeNull();
    await expect(redis.set("a", 1)).rejects.toThrow("NOPERM");
  });
});
