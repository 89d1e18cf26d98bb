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
  await server.command("JSON.SET", "doc", "$", '{"n":0}');
  server.ledger.reset();
});

const resultOf = async (...command: unknown[]): Promise<unknown> =>
  ((await (await server.command(...command)).json()) as { result: unknown }).result;
const post = async (path: string, ...commands: unknown[][]): Promise<unknown> =>
  (await server.request(path, { method: "POST", body: JSON.stringify(commands) })).json();

describe("a JSON document as a key", () => {
  it("is of the type json, for TYPE and for SCAN", async () => {
    await server.command("HSET", "hash", "f", "v");
    expect([await resultOf("TYPE", "doc"), await resultOf("TYPE", "hash")]).toEqual(["json", "hash"]);
    expect(await resultOf("SCAN", 0, "TYPE", "json")).toEqual(["0", ["doc"]]);
    expect(await resultOf("SCAN", 0, "TYPE", "hash", "WITHTYPE")).toEqual(["0", ["hash", "hash"]]);
    const [, withTypes] = (await resultOf("SCAN", 0, "WITHTYPE")) as [string, string[]];
    expect(withTypes.join(" ")).toMatch(/doc json/);
  });

  it("expires, is renamed, copied and deleted as any other, and keeps its expiry when it changes", async () => {
    await server.command("EXPIRE", "doc", 100);
    await server.command("JSON.SET", "doc", "$", '{"n":1}');
    await server.command("JSON.NUMINCRBY", "doc", "$.n", 1);
    expect(await resultOf("TTL", "doc")).toBe(100);
    await server.command("COPY", "doc", "copy");
    await server.command("RENAME", "doc", "renamed");
    expect(await resultOf("JSON.GET", "copy")).toBe('{"n":2}');
    expect(await resultOf("DEL", "copy", "renamed")).toBe(2);
  });

  it("loses no change when many change it at once", async () => {
    const changes = Array.from({ length: 50 }, () => server.command("JSON.NUMINCRBY", "doc", "$.n", 1));
    const others = Array.from({ length: 50 }, (_, index) => server.command("SET", `k-${index}`, index));
    await Promise.all([...changes, ...others].map(async (answer) => (await answer).text()));
    expect(await resultOf("JSON.GET", "doc", ".n")).toBe("50");
    expect(await resultOf("DBSIZE")).toBe(51);
  });

  it("is read and changed in its turn among the commands of a pipeline", async () => {
    expect(
      await post(
        "/pipeline",
        ["JSON.SET", "doc", "$.n", 5],
        ["DEL", "doc"],
        ["JSON.GET", "doc"],
        ["BLPOP", "x", 0],
        ["JSON.SET", "doc", "$", 1],
        ["TYPE", "doc"],
      ),
    ).toEqual([
      { result: "OK" },
      { result: 1 },
      { result: null },
      { error: expect.stringContaining("BLPOP") },
      { result: "OK" },
      { result: "json" },
    ]);
  });

  it("is part of a transaction, which is discarded whole when one of its commands cannot be", async () => {
    expect(await post("/multi-exec", ["SET", "k", 1], ["JSON.NUMINCRBY", "doc", ".n", 1], ["INCR", "k"])).toEqual([
      { result: "OK" },
      { result: "1" },
      { result: 2 },
    ]);
    const cannot = [["JSON.GET"], ["SET", "k"], ["SELECT", 1]];
    for (const command of cannot) {
      expect(await post("/multi-exec", ["JSON.SET", "doc", "$.n", 9], command)).toEqual({
        error: expect.stringContaining("ERR"),
      });
    }
    expect(await resultOf("JSON.GET", "doc", ".n")).toBe("1");
  });

  it("is not changed by others in the middle of a transaction", async () => {
    const transactions = Array.from({ length: 20 }, () =>
      post("/multi-exec", ["JSON.NUMINCRBY", "doc", ".n", 1], ["SET", "seen", 1], ["JSON.NUMINCRBY", "doc", ".n", 1]),
    );
    const between = Array.from({ length: 20 }, () => server.command("JSON.NUMINCRBY", "doc", ".n", 100));
    const answers = (await Promise.all(transactions)) as { result: string }[][];
    await Promise.all(between.map(async (answer) => (await answer).text()));
    for (const [first, , last] of answers) expect(Number(last?.result) - Number(first?.result)).toBe(1);
    expect(await resultOf("JSON.GET", "doc", ".n")).toBe("2040");
  });

  it("may be read and not changed with a read-only token", async () => {
    const headers = { Authorization: `Bearer ${server.readOnlyToken}` };
    const ask = async (...command: unknown[]): Promise<unknown> =>
      (await server.request("/", { method: "POST", body: JSON.stringify(command), headers })).json();
    expect(await ask("JSON.GET", "doc")).toEqual({ result: '{"n":0}' });
    expect(await ask("JSON.SET", "doc", "$", 1)).toEqual({ error: expect.stringContaining("NOPERM") });
  });

  it("costs one command, whatever it takes here", async () => {
    await resultOf("JSON.SET", "cache:doc", "$", "1");
    await resultOf("json.get", "cache:doc");
    expect(server.ledger.read()).toMatchObject({
      commands: 2,
      byCommand: { "JSON.SET": 1, "JSON.GET": 1 },
      byKeyPrefix: { cache: 2 },
    });
  });
});
