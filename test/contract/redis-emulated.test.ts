import fc from "fast-check";
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
});

const answerTo = async (...command: unknown[]): Promise<unknown> => (await server.command(...command)).json();
const resultOf = async (...command: unknown[]): Promise<unknown> =>
  ((await answerTo(...command)) as { result: unknown }).result;
const transact = async (...commands: unknown[][]): Promise<unknown> =>
  (await server.request("/multi-exec", { method: "POST", body: JSON.stringify(commands) })).json();

/** A stream `s` of entries 1-0 to 4-0; group `a` has read all and acknowledged 1-0, group `b` has read 1-0 and 2-0. */
async function startStream(): Promise<void> {
  for (const id of [1, 2, 3, 4]) await server.command("XADD", "s", `${id}-0`, "f", "v");
  for (const group of ["a", "b"]) await server.command("XGROUP", "CREATE", "s", group, 0);
  await server.command("XREADGROUP", "GROUP", "a", "reader", "STREAMS", "s", ">");
  await server.command("XREADGROUP", "GROUP", "b", "reader", "COUNT", 2, "STREAMS", "s", ">");
  await server.command("XACK", "s", "a", "1-0");
}

const entries = async (): Promise<string[]> =>
  ((await resultOf("XRANGE", "s", "-", "+")) as [string][]).map(([id]) => id);
const pending = async (group: string): Promise<string[]> =>
  ((await resultOf("XPENDING", "s", group, "-", "+", 10)) as [string][]).map(([id]) => id);

describe("XDELEX", () => {
  it("deletes entries and leaves them pending, and says which were not there", async () => {
    await startStream();
    expect(await resultOf("XDELEX", "s", "IDS", 3, "1-0", "2", "9-9")).toEqual([1, 1, -1]);
    expect(await entries()).toEqual(["3-0", "4-0"]);
    expect(await pending("a")).toEqual(["2-0", "3-0", "4-0"]);
    expect(await resultOf("XDELEX", "absent", "KEEPREF", "IDS", 1, "1-0")).toEqual([-1]);
  });

  it("with DELREF deletes what is pending in every group, too", async () => {
    await startStream();
    expect(await resultOf("XDELEX", "s", "delref", "ids", 1, "2-0")).toEqual([1]);
    expect([await pending("a"), await pending("b")]).toEqual([["3-0", "4-0"], ["1-0"]]);
  });

  it("with ACKED keeps what a group has not read, or has not acknowledged", async () => {
    await startStream();
    expect(await resultOf("XDELEX", "s", "ACKED", "IDS", 3, "1-0", "2-0", "4-0")).toEqual([2, 2, 2]);
    await server.command("XACK", "s", "b", "1-0");
    expect(await resultOf("XDELEX", "s", "ACKED", "IDS", 1, "1-0")).toEqual([1]);
    expect(await entries()).toEqual(["2-0", "3-0", "4-0"]);
  });

  it("is one command in a transaction, and in the bill", async () => {
    await startStream();
    server.ledger.reset();
    expect(await transact(["XDELEX", "s", "IDS", 1, "1-0"], ["XLEN", "s"])).toEqual([{ result: [1] }, { result: 3 }]);
    expect(server.ledger.read().byCommand).toEqual({ XDELEX: 1, XLEN: 1 });
  });

  it("with wrong arguments, or on another type, fails in the words of Redis", async () => {
    await server.command("SET", "text", "x");
    const cases: [unknown[], string][] = [
      [["s"], "ERR wrong number of arguments for 'xdelex' command"],
      [["s", "SOME", "IDS", 1, "1-0"], "ERR syntax error"],
      [["s", "IDS", 0, "1-0"], "ERR Number of IDs must be a positive integer"],
      [["s", "IDS", 2, "1-0"], "ERR The `numids` parameter must match the number of arguments"],
      [["text", "IDS", 1, "1-0"], "WRONGTYPE Operation against a key holding the wrong kind of value"],
      [["s", "IDS", 1, "no-id"], "ERR Invalid stream ID specified as stream command argument"],
    ];
    for (const [args, error] of cases) expect(await answerTo("XDELEX", ...args), error).toEqual({ error });
  });
});

describe("XACKDEL", () => {
  it("acknowledges for one group and deletes; what is not pending there is not touched", async () => {
    await startStream();
    expect(await resultOf("XACKDEL", "s", "a", "KEEPREF", "IDS", 2, "1-0", "2-0")).toEqual([-1, 1]);
    expect(await entries()).toEqual(["1-0", "3-0", "4-0"]);
    expect([await pending("a"), await pending("b")]).toEqual([
      ["3-0", "4-0"],
      ["1-0", "2-0"],
    ]);
  });

  it("with ACKED deletes only when no other group still needs the entry", async () => {
    await startStream();
    expect(await resultOf("XACKDEL", "s", "a", "ACKED", "IDS", 2, "2-0", "3-0")).toEqual([2, 2]);
    expect(await resultOf("XACKDEL", "s", "b", "ACKED", "IDS", 1, "2-0")).toEqual([1]);
    expect(await entries()).toEqual(["1-0", "3-0", "4-0"]);
  });
});

describe("BITOP", () => {
  const bytes = fc.uint8Array({ maxLength: 6 });

  it("DIFF, DIFF1, ANDOR and ONE are what their names say, for strings of any lengths", async () => {
    const rules: Record<string, (x: number, ys: number[]) => number> = {
      DIFF: (x, ys) => x & ~ys.reduce((a, b) => a | b, 0),
      DIFF1: (x, ys) => ys.reduce((a, b) => a | b, 0) & ~x,
      ANDOR: (x, ys) => x & ys.reduce((a, b) => a | b, 0),
      ONE: (x, ys) => bitsInExactlyOne([x, ...ys]),
    };
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(bytes, { minLength: 1, maxLength: 3 }), async (x, ys) => {
        const sources = [x, ...ys];
        const names = sources.map((_, index) => `source-${index}`);
        await server.command("DEL", ...names);
        for (const [index, source] of sources.entries()) if (source.length > 0) await store(`source-${index}`, source);
        const length = Math.max(...sources.map((source) => source.length));
        for (const [operation, rule] of Object.entries(rules)) {
          const expected = Array.from(
            { length },
            (_, at) =>
              rule(
                x[at] ?? 0,
                ys.map((y) => y[at] ?? 0),
              ) & 255,
          );
          expect(await resultOf("BITOP", operation, "dest", ...names), operation).toBe(length);
          expect(await read("dest"), operation).toEqual(expected);
        }
      }),
      { numRuns: 25 },
    );
    expect(await resultOf("KEYS", "*bitop*")).toEqual([]);
  });

  it("writes nothing when a source is no string, and wants enough sources", async () => {
    await server.command("RPUSH", "list", "x");
    await server.command("SET", "text", "x");
    expect(await answerTo("BITOP", "ONE", "dest", "text", "list")).toEqual({
      error: "WRONGTYPE Operation against a key holding the wrong kind of value",
    });
    expect(await answerTo("BITOP", "DIFF", "dest", "text")).toEqual({ error: expect.stringContaining("ERR") });
    expect(await answerTo("BITOP", "ONE", "dest")).toEqual({ error: expect.stringContaining("wrong number") });
    expect(await answerTo("BITOP", "AND", "dest", "text", "text")).toEqual({ result: 1 });
    expect((await resultOf("KEYS", "*")) as string[]).toHaveLength(3);
  });

  async function store(key: string, value: Uint8Array): Promise<void> {
    await server.request(`/set/${key}`, { method: "POST", body: Uint8Array.from(value) });
  }

  async function read(key: string): Promise<number[]> {
    const headers = { "Upstash-Encoding": "base64" };
    const answer = await server.request(`/get/${key}`, { headers });
    const { result } = (await answer.json()) as { result: string | null };
    return [...Buffer.from(result ?? "", "base64")];
  }
});

describe("commands that Upstash reads in its own way", () => {
  it("XREADGROUP with NOACK leaves no new consumer behind, and an old one where it was", async () => {
    for (const id of ["1-0", "2-0"]) await server.command("XADD", "s", id, "f", "v");
    await server.command("XGROUP", "CREATE", "s", "g", 0);
    const readBy = (consumer: string): Promise<unknown> =>
      resultOf("XREADGROUP", "GROUP", "g", consumer, "COUNT", 1, "NOACK", "STREAMS", "s", ">");
    expect(await readBy("new")).toEqual([["s", [["1-0", ["f", "v"]]]]]);
    expect(await resultOf("XINFO", "CONSUMERS", "s", "g")).toEqual([]);
    await server.command("XGROUP", "CREATECONSUMER", "s", "g", "old");
    await readBy("old");
    expect(await resultOf("XINFO", "CONSUMERS", "s", "g")).toHaveLength(1);
    expect(await readBy("new")).toBeNull();
    expect(await answerTo("XREADGROUP", "GROUP", "no", "c", "NOACK", "STREAMS", "s", ">")).toEqual({
      error: expect.stringMatching(/^NOGROUP (?!.*script: )/),
    });
  });

  it("XTRIM and XADD with ~ trim exactly, and a field that is called MAXLEN is a field", async () => {
    for (let index = 0; index < 20; index++) await server.command("XADD", "s", "*", "f", "v");
    expect(await resultOf("XTRIM", "s", "MAXLEN", "~", 5)).toBe(15);
    await server.command("XADD", "s", "NOMKSTREAM", "MAXLEN", "~", 3, "*", "MAXLEN", "~");
    expect(await resultOf("XLEN", "s")).toBe(3);
    expect(await resultOf("XREVRANGE", "s", "+", "-", "COUNT", 1)).toEqual([[expect.any(String), ["MAXLEN", "~"]]]);
    expect(await resultOf("XTRIM", "s", "MAXLEN", "~", 1, "LIMIT", 10)).toBe(0);
  });

  it("SCAN finds no keys of the types that only Upstash has", async () => {
    await server.command("SET", "k", "v");
    expect(await resultOf("SCAN", 0, "TYPE", "search")).toEqual(["0", []]);
    expect(await answerTo("SCAN", 0, "TYPE", "nonsense")).toEqual({ error: expect.stringContaining("ERR") });
  });

  it("a command that nothing stands in for says so", async () => {
    for (const name of ["SEARCH.QUERY", "VECTOR.ADD", "arset"]) {
      expect(await answerTo(name, "k", "v"), name).toEqual({
        error: expect.stringMatching(new RegExp(`^ERR ${name.toUpperCase()} is not in the local stack`)),
      });
    }
    expect(await answerTo("ARGH", "k")).toEqual({ error: expect.stringContaining("unknown command") });
  });
});

function bitsInExactlyOne(values: number[]): number {
  let result = 0;
  for (let bit = 1; bit < 256; bit <<= 1) if (values.filter((value) => (value & bit) !== 0).length === 1) result |= bit;
  return result;
}
