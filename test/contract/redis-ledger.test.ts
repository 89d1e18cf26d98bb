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

const post = async (path: string, commands: unknown[]): Promise<void> => {
  await (await server.request(path, { method: "POST", body: JSON.stringify(commands) })).json();
};

describe("the bill for Redis", () => {
  it("has one round trip for each request and one command for each element", async () => {
    await post("/pipeline", [["SET", "session:{ada}:1", "v"], ["get", "session:{ada}:1"], ["PING"]]);
    await post("/multi-exec", [
      ["RPUSH", "events:{ada}:c", "e"],
      ["EXPIRE", "events:{ada}:c", 60],
    ]);
    expect(server.ledger.read()).toMatchObject({
      commands: 5,
      byCommand: { SET: 1, GET: 1, PING: 1, RPUSH: 1, EXPIRE: 1 },
      byKeyPrefix: { session: 2, events: 2 },
      roundTrips: 2,
    });
  });

  it("has every call inside a script, in loops, behind pcall, and before the script failed", async () => {
    const script = [
      "for index = 1, 10 do redis.call('INCR', KEYS[1]) end",
      "redis.pcall('HGET', KEYS[1], 'f')",
      "local set = redis.call",
      "set('SET', KEYS[2], 'x')",
      "return server.call('LPUSH', KEYS[2], 'x')",
    ].join("\n");
    const answer = await server.command("EVAL", script, 2, "count:a", "text:b");
    expect(await answer.json()).toMatchObject({ error: expect.stringContaining("WRONGTYPE") });
    expect(server.ledger.read()).toMatchObject({
      commands: 14,
      byCommand: { EVAL: 1, INCR: 10, HGET: 1, SET: 1, LPUSH: 1 },
      byKeyPrefix: { count: 12, text: 2 },
    });
  });

  it("has the calls of a script that is run by its hash or inside a transaction", async () => {
    const script = "return redis.call('GET', KEYS[1])";
    const loaded = (await (await server.command("SCRIPT", "LOAD", script)).json()) as { result: string };
    await post("/multi-exec", [
      ["EVALSHA", loaded.result, 1, "k"],
      ["EVALSHA", loaded.result.toUpperCase(), 1, "k"],
    ]);
    expect(server.ledger.read().byCommand).toEqual({ SCRIPT: 1, EVALSHA: 2, GET: 2 });
  });

  it("has nothing for what never reached Redis", async () => {
    await server.command("BLPOP", "k", 0);
    await server.command("x".repeat(1000));
    await post("/multi-exec", [
      ["SET", "k", "v"],
      ["SELECT", 1],
    ]);
    expect(server.ledger.read()).toMatchObject({ commands: 0, byCommand: {}, roundTrips: 3 });
  });
});
