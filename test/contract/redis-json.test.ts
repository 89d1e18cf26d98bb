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
  await server.command("FLUSHALL");
});

const answerTo = async (...command: unknown[]): Promise<unknown> => (await server.command(...command)).json();
const resultOf = async (...command: unknown[]): Promise<unknown> =>
  ((await answerTo(...command)) as { result: unknown }).result;
const document = { a: 1, text: "x", list: [1, 2, 3], nested: { a: true, deep: { a: null } } };
const store = (value: unknown = document): Promise<Response> =>
  server.command("JSON.SET", "doc", "$", JSON.stringify(value));
const stored = async (): Promise<unknown> => JSON.parse(String(await resultOf("JSON.GET", "doc")));

describe("JSON documents that are read", () => {
  beforeEach(async () => {
    await store();
  });

  it("come whole, by one path or by several, what is deeper first", async () => {
    expect(await stored()).toEqual(document);
    expect(await resultOf("JSON.GET", "doc", "$..a")).toBe("[null,true,1]");
    expect(await resultOf("JSON.GET", "doc", "$.list[1:]")).toBe("[2,3]");
    expect(await resultOf("JSON.GET", "doc", "$.list[-1]", "$.text")).toBe('{"$.list[-1]":[3],"$.text":["x"]}');
    expect(await resultOf("JSON.GET", "doc", "$.list[?(@ > 1)]")).toBe("[2,3]");
    expect(await resultOf("JSON.GET", "doc", "$.absent")).toBe("[]");
    expect(await resultOf("JSON.GET", "absent", "$")).toBeNull();
  });

  it("by a legacy path are the first match alone, and it is an error when there is none", async () => {
    expect(await resultOf("JSON.GET", "doc", ".nested.a")).toBe("true");
    expect(await resultOf("JSON.GET", "doc", "list[0]")).toBe("1");
    expect(await resultOf("JSON.GET", "doc", ".a", ".text")).toBe('{".a":1,".text":"x"}');
    expect(await resultOf("JSON.STRLEN", "doc", "text")).toBe(1);
    expect(await answerTo("JSON.GET", "doc", ".absent")).toEqual({ error: "ERR Path '.absent' does not exist" });
    expect(await answerTo("JSON.STRLEN", "doc", ".a")).toEqual({ error: expect.stringMatching(/^WRONGTYPE/) });
  });

  it("can be laid out as asked", async () => {
    await store({ a: [1, {}], b: [] });
    const text = await resultOf("JSON.GET", "doc", "INDENT", "  ", "NEWLINE", "\n", "SPACE", " ", ".");
    expect(text).toBe(JSON.stringify({ a: [1, {}], b: [] }, null, 2));
  });

  it("say what type and how long their values are, null where the type has no length", async () => {
    expect(await resultOf("JSON.TYPE", "doc", "$.*")).toEqual(["integer", "string", "array", "object"]);
    expect(await resultOf("JSON.TYPE", "doc")).toBe("object");
    expect(await resultOf("JSON.TYPE", "doc", ".absent")).toBeNull();
    expect(await resultOf("JSON.STRLEN", "doc", "$.*")).toEqual([null, 1, null, null]);
    expect(await resultOf("JSON.ARRLEN", "doc", "$.*")).toEqual([null, null, 3, null]);
    expect(await resultOf("JSON.OBJLEN", "doc", "$..deep")).toEqual([1]);
    expect(await resultOf("JSON.OBJKEYS", "doc", "$.nested")).toEqual([["a", "deep"]]);
  });

  it("find an item in an array, between two positions", async () => {
    await store([1, "1", { a: 1 }, 1]);
    expect(await resultOf("JSON.ARRINDEX", "doc", "$", "1", 1)).toEqual([3]);
    expect(await resultOf("JSON.ARRINDEX", "doc", "$", '{"a":1}')).toEqual([2]);
    expect(await resultOf("JSON.ARRINDEX", "doc", ".", "1", 1, -1)).toBe(-1);
  });

  it("are given as RESP, and from many keys at once", async () => {
    await store({ a: [true, 1.5], b: null });
    await server.command("SET", "text", "x");
    expect(await resultOf("JSON.RESP", "doc")).toEqual(["{", "a", ["[", "true", "1.5"], "b", null]);
    expect(await resultOf("JSON.MGET", "doc", "absent", "text", "$.b")).toEqual(["[null]", null, null]);
    expect(await resultOf("JSON.MGET", "doc", ".a")).toEqual(["[true,1.5]"]);
  });
});

describe("JSON documents that are changed", () => {
  beforeEach(async () => {
    await store();
  });

  it("take a new value at every match, or a new member where an object can hold it", async () => {
    expect(await resultOf("JSON.SET", "doc", "$..a", "0")).toBe("OK");
    expect(await resultOf("JSON.SET", "doc", "$.nested.deep.b", "[]")).toBe("OK");
    expect(await resultOf("JSON.SET", "doc", "$.absent.b", "1")).toBeNull();
    expect(await stored()).toMatchObject({ a: 0, nested: { a: 0, deep: { a: 0, b: [] } } });
  });

  it("are set only if they are there, or only if they are not, when asked so", async () => {
    expect(await resultOf("JSON.SET", "doc", "$.a", "2", "NX")).toBeNull();
    expect(await resultOf("JSON.SET", "doc", "$.new", "2", "xx")).toBeNull();
    expect(await resultOf("JSON.SET", "doc", "$.new", "2", "nx")).toBe("OK");
    expect(await resultOf("JSON.SET", "other", "$", "1", "XX")).toBeNull();
    expect(await stored()).toEqual({ ...document, new: 2 });
    expect(await resultOf("EXISTS", "other")).toBe(0);
  });

  it("are merged as RFC 7396 says, a null taking a member away", async () => {
    await server.command("JSON.MERGE", "doc", "$", '{"a":null,"nested":{"deep":{"b":{"c":null,"d":1}}},"list":[9]}');
    expect(await stored()).toEqual({ text: "x", list: [9], nested: { a: true, deep: { a: null, b: { d: 1 } } } });
    await server.command("JSON.MERGE", "doc", "$.new", '{"x":null,"y":1}');
    expect(await stored()).toMatchObject({ new: { y: 1 } });
    await server.command("JSON.MERGE", "doc", "$", "null");
    expect(await resultOf("EXISTS", "doc")).toBe(0);
  });

  it("lose what is deleted, each place once, items of an array included; the key goes with the root", async () => {
    expect(await resultOf("JSON.DEL", "doc", "$.list[0,2,0]")).toBe(2);
    expect(await resultOf("JSON.DEL", "doc", "$..a")).toBe(3);
    expect(await stored()).toEqual({ text: "x", list: [2], nested: { deep: {} } });
    expect(await resultOf("JSON.DEL", "doc", "$.absent")).toBe(0);
    expect(await resultOf("JSON.FORGET", "doc")).toBe(1);
    expect([await resultOf("EXISTS", "doc"), await resultOf("JSON.DEL", "doc")]).toEqual([0, 0]);
  });

  it("count, multiply, append to strings, toggle and clear", async () => {
    expect(await resultOf("JSON.NUMINCRBY", "doc", "$..a", "0.5")).toBe("[null,null,1.5]");
    expect(await resultOf("JSON.NUMMULTBY", "doc", ".a", "4")).toBe("6");
    expect(await resultOf("JSON.STRAPPEND", "doc", "$.text", '"é"')).toEqual([3]);
    expect(await resultOf("JSON.TOGGLE", "doc", "$.nested.a")).toEqual([0]);
    expect(await resultOf("JSON.TOGGLE", "doc", ".nested.a")).toBe("true");
    expect(await resultOf("JSON.CLEAR", "doc", "$.*")).toBe(3);
    expect(await stored()).toEqual({ a: 0, text: "xé", list: [], nested: {} });
  });

  it("grow and shrink their arrays", async () => {
    expect(await resultOf("JSON.ARRAPPEND", "doc", "$.list", "4", '"x"')).toEqual([5]);
    expect(await resultOf("JSON.ARRINSERT", "doc", "$.list", -1, "[]")).toEqual([6]);
    expect(await stored()).toMatchObject({ list: [1, 2, 3, 4, [], "x"] });
    expect(await resultOf("JSON.ARRPOP", "doc", "$.list")).toEqual(['"x"']);
    expect(await resultOf("JSON.ARRPOP", "doc", ".list", 0)).toBe("1");
    expect(await resultOf("JSON.ARRPOP", "doc", "$.list", 99)).toEqual(["[]"]);
    expect(await resultOf("JSON.ARRTRIM", "doc", "$.list", 1, -1)).toEqual([2]);
    expect(await stored()).toMatchObject({ list: [3, 4] });
    expect(await resultOf("JSON.ARRTRIM", "doc", "$.list", 5, 9)).toEqual([0]);
    expect(await resultOf("JSON.ARRPOP", "doc", "$.list")).toEqual([null]);
  });

  it("are set in many keys at once, or in none", async () => {
    expect(await redis.json.mset({ key: "m1", path: "$", value: { a: 1 } }, { key: "m1", path: "$.b", value: 2 })).toBe(
      "OK",
    );
    expect(await redis.json.get("m1")).toEqual({ a: 1, b: 2 });
    const failed = await answerTo("JSON.MSET", "m2", "$", "1", "m3", "$.not.root", "1");
    expect(failed).toEqual({ error: "ERR new objects must be created at the root" });
    expect(await resultOf("EXISTS", "m2")).toBe(0);
  });
});

describe("JSON that cannot be", () => {
  const refused: [string, unknown[], string][] = [
    ["a value that is not JSON", ["JSON.SET", "doc", "$", "{"], "ERR the value is not JSON"],
    ["a path that is none", ["JSON.GET", "doc", "$["], "is not JSONPath"],
    ["a new document below its root", ["JSON.SET", "new", "$.a", "1"], "ERR new objects must be created at the root"],
    ["another option than NX and XX", ["JSON.SET", "doc", "$", "1", "ZZ"], "ERR syntax error"],
    ["a change of a key that is not there", ["JSON.NUMINCRBY", "new", "$", "1"], "a key that doesn't exist"],
    ["a sum beyond all numbers", ["JSON.NUMMULTBY", "doc", "$.a", "1e308"], "out of range"],
    ["a place beyond the array", ["JSON.ARRINSERT", "doc", "$.list", 4, "1"], "ERR index out of bounds"],
    ["an index that is no number", ["JSON.ARRPOP", "doc", "$.list", "x"], "ERR value is not an integer"],
    ["too few arguments", ["JSON.SET", "doc", "$"], "ERR wrong number of arguments for 'json.set' command"],
    ["half of a triplet", ["JSON.MSET", "a", "$", "1", "b"], "ERR wrong number of arguments for 'json.mset' command"],
    ["another type under the key", ["JSON.GET", "text"], "WRONGTYPE"],
    ["a plain hash under the key", ["JSON.SET", "hash", "$", "1"], "WRONGTYPE"],
    ["a string command on a document", ["GET", "doc"], "WRONGTYPE"],
  ];

  for (const [what, command, error] of refused) {
    it(`${what} is refused, and nothing is changed`, async () => {
      const plain = { a: 1e308, list: [1, 2, 3] };
      await store(plain);
      await server.command("SET", "text", "x");
      await server.command("HSET", "hash", "f", "v");
      expect(await answerTo(...command)).toEqual({ error: expect.stringContaining(error) });
      expect(await stored()).toEqual(plain);
      expect(await resultOf("DBSIZE")).toBe(3);
    });
  }

  it("a document is nested 128 deep and not deeper, whoever sends it", async () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(await answerTo("JSON.SET", "doc", "$", nested(128))).toEqual({ result: "OK" });
    expect(await answerTo("JSON.SET", "doc", "$", nested(129))).toEqual({ error: "ERR recursion limit exceeded" });
    expect(await answerTo("JSON.SET", "doc", "$", nested(100_000))).toEqual({ error: expect.stringContaining("ERR") });
  });

  it("a member may have any name, also one that JavaScript has a use for", async () => {
    await store(JSON.parse('{"__proto__":{"a":1},"constructor":2,"":3}'));
    await server.command("JSON.SET", "doc", "$.toString", "4");
    await server.command("JSON.SET", "doc", "$['__proto__'].b", "5");
    expect(await resultOf("JSON.GET", "doc")).toBe('{"__proto__":{"a":1,"b":5},"constructor":2,"":3,"toString":4}');
    expect(await resultOf("JSON.GET", "doc", "$.hasOwnProperty")).toBe("[]");
  });
});
