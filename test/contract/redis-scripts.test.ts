import { createHash } from "node:crypto";
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
  await server.command("SCRIPT", "FLUSH");
  await server.command("FUNCTION", "FLUSH");
});

const answerTo = async (...command: unknown[]): Promise<unknown> => (await server.command(...command)).json();
const answersTo = async (path: "/pipeline" | "/multi-exec", ...commands: unknown[][]): Promise<unknown> =>
  (await server.request(path, { method: "POST", body: JSON.stringify(commands) })).json();
const sha1Of = (text: string): string => createHash("sha1").update(text).digest("hex");

const flagged = "#!lua flags=allow-key-locking\nreturn redis.call('GET', KEYS[1])";

describe("a script", () => {
  it("with the key-locking flag runs alone, in a pipeline and in a transaction", async () => {
    await server.command("SET", "k", "v");
    const evalFlagged = ["EVAL", flagged, 1, "k"];
    expect(await answerTo(...evalFlagged)).toEqual({ result: "v" });
    expect(await answersTo("/pipeline", evalFlagged)).toEqual([{ result: "v" }]);
    expect(await answersTo("/multi-exec", evalFlagged)).toEqual([{ result: "v" }]);
  });

  it("is known by the hash of what the client sent, in either case, wherever the hash stands", async () => {
    await server.command("SET", "k", "v");
    const hash = sha1Of(flagged);
    expect(await answerTo("SCRIPT", "LOAD", flagged)).toEqual({ result: hash });
    expect(await answerTo("SCRIPT", "EXISTS", hash, sha1Of("other"), hash.toUpperCase())).toEqual({
      result: [1, 0, 1],
    });
    const calls = [
      ["EVALSHA", hash, 1, "k"],
      ["EVALSHA_RO", hash.toUpperCase(), 1, "k"],
    ];
    expect(await answerTo(...(calls[0] ?? []))).toEqual({ result: "v" });
    expect(await answersTo("/pipeline", ...calls)).toEqual([{ result: "v" }, { result: "v" }]);
    expect(await answersTo("/multi-exec", ...calls)).toEqual([{ result: "v" }, { result: "v" }]);
  });

  it("that was never sent, or was flushed, is told of in the words that SDKs look for", async () => {
    const noScript = { error: "NOSCRIPT No matching script. Please use EVAL." };
    expect(await answerTo("EVALSHA", sha1Of("never sent"), 0)).toEqual(noScript);
    await answerTo("EVAL", flagged, 1, "k");
    await server.command("SCRIPT", "FLUSH");
    expect(await answerTo("EVALSHA", sha1Of(flagged), 1, "k")).toEqual(noScript);
    expect(await answersTo("/multi-exec", ["EVALSHA", sha1Of(flagged), 1, "k"])).toEqual([noScript]);
    expect(await answerTo("EVAL", flagged, 1, "k")).toEqual({ result: null });
  });

  it("answers with every kind of result as Redis itself would", async () => {
    const results: Record<string, unknown> = {
      "return nil": null,
      "return false": null,
      "return true": 1,
      "return 3.9": 3,
      "return {}": [],
      "return {1, nil, 3}": [1],
      "return {false, {'a'}}": [null, ["a"]],
      "return redis.status_reply('FINE')": "FINE",
      "return {KEYS[1], ARGV[1]}": ["k", "v"],
      "return redis.call('GET', 'absent')": null,
      "-- only a comment": null,
    };
    for (const [script, result] of Object.entries(results)) {
      expect(await answerTo("EVAL", script, 1, "k", "v"), script).toEqual({ result });
    }
  });

  it("that fails names the client's own script, line and words", async () => {
    const failing = "local x = 1\nlocal y = redis.call('HGET', 'text', 'f')\nreturn y";
    await server.command("SET", "text", "x");
    const sha1 = createHash("sha1").update(failing).digest("hex");
    const { error } = (await answerTo("EVAL", failing, 0)) as { error: string };
    expect(error).toMatch(/^WRONGTYPE /);
    expect(error).toMatch(new RegExp(` script: ${sha1}, on @user_script:2\\.$`));
    expect(await answerTo("EVAL", "return 1 1", 0)).toEqual({
      error: "ERR Error compiling script (new function): user_script:1: '<eof>' expected near '1'",
    });
    expect(await answerTo("EVAL", "return redis.error_reply('MINE alone')", 0)).toEqual({
      error: "MINE alone",
    });
  });
});

describe("a script with the key-locking flag", () => {
  const locking = (body: string): string => `#!lua flags=allow-key-locking\n${body}`;
  const dynamic = (key: string): string =>
    `ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: ${key}`;

  it("is refused a key that it was not given, and what it did before stays done", async () => {
    const script = locking("redis.call('SET', KEYS[1], 'x')\nreturn redis.call('GET', 'other')");
    expect(await answerTo("EVAL", script, 1, "k")).toEqual({ error: expect.stringContaining(dynamic("other")) });
    expect(await answerTo("GET", "k")).toEqual({ result: "x" });
    expect(await answerTo("EVAL", script.replace("#!lua flags=allow-key-locking\n", ""), 1, "k")).toEqual({
      result: null,
    });
  });

  it("is refused it by its hash and among arguments and options, too", async () => {
    const cases = [
      ["return redis.call('GET', ARGV[1])", "from-argv"],
      ["return redis.call('MSET', KEYS[1], 1, 'second', 2)", "second"],
      ["return redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[1], 'union')", "union"],
      ["return redis.call('SORT', KEYS[1], 'STORE', 'sorted')", "sorted"],
    ] as const;
    for (const [body, key] of cases) {
      const script = locking(body);
      const refused = { error: expect.stringContaining(dynamic(key)) };
      expect(await answerTo("EVAL", script, 1, "k", "from-argv"), body).toEqual(refused);
      expect(await answerTo("EVALSHA", sha1Of(script), 1, "k", "from-argv"), body).toEqual(refused);
    }
  });

  it("sees the refusal as an error that pcall catches", async () => {
    const script = locking("local answer = redis.pcall('GET', 'other')\nreturn answer.err");
    expect(await answerTo("EVAL", script, 0)).toEqual({ result: dynamic("other") });
  });

  it("is refused FLUSHALL and FLUSHDB, and calls without a key are made", async () => {
    await server.command("SET", "k", "v");
    for (const name of ["FLUSHALL", "flushdb"]) {
      const { error } = (await answerTo("EVAL", locking(`return redis.call('${name}')`), 1, "k")) as { error: string };
      expect(error).toContain(`ERR ${name.toUpperCase()} is not allowed in Lua scripts`);
    }
    expect(await answerTo("EVAL", locking("return redis.call('ECHO', 'v')"), 0)).toEqual({ result: "v" });
    expect(await answerTo("EXISTS", "k")).toEqual({ result: 1 });
  });

  it("keeps its other flags", async () => {
    const script = "#!lua flags=allow-key-locking,no-writes\nreturn redis.call('SET', KEYS[1], 'x')";
    expect(await answerTo("EVAL", script, 1, "k")).toEqual({
      error: expect.stringContaining("Write commands are not allowed"),
    });
  });
});

describe("a library of functions", () => {
  const library = [
    "#!lua name=lib",
    "redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)",
    "redis.register_function{function_name='read', callback=function(keys) return redis.call('GET', keys[1]) end,",
    "  flags={'no-writes', 'allow-key-locking'}, description='reads'}",
    "redis.register_function('look', function(keys) return redis.call('GET', keys[1]) end)",
  ].join("\n");

  it("may have the key-locking flag, and is listed as it was given", async () => {
    expect(await answerTo("FUNCTION", "LOAD", library)).toEqual({ result: "lib" });
    const { result } = (await answerTo("FUNCTION", "LIST", "WITHCODE")) as { result: unknown[][] };
    const [listed = []] = result;
    const functions = listed[listed.indexOf("functions") + 1] as unknown[][];
    expect(functions.map(([, name]) => String(name)).toSorted()).toEqual(["look", "put", "read"]);
    expect(listed[listed.indexOf("library_code") + 1]).toBe(library.replace(", 'allow-key-locking'", ", "));
  });

  it("has functions that FCALL_RO may call, unless they write", async () => {
    await answerTo("FUNCTION", "LOAD", library);
    expect(await answerTo("FCALL", "put", 1, "k", "v")).toEqual({ result: "OK" });
    for (const name of ["read", "look"]) {
      expect(await answerTo("FCALL_RO", name, 1, "k"), name).toEqual({ result: "v" });
      expect(await answersTo("/multi-exec", ["FCALL_RO", name, 1, "k"]), name).toEqual([{ result: "v" }]);
    }
    expect(await answerTo("FCALL_RO", "put", 1, "k", "new")).toEqual({
      error: expect.stringContaining("Write commands are not allowed from read-only scripts"),
    });
    expect(await answerTo("FCALL_RO", "absent", 0)).toEqual({ error: "ERR Function not found" });
    expect(await answerTo("GET", "k")).toEqual({ result: "v" });
  });

  it("that is wrong is refused in the words of Redis", async () => {
    const cases = [
      ["redis.register_function('f')", "with a single argument"],
      ["redis.register_function{function_name='f', callback=1}", "must be a function"],
      ["redis.register_function{function_name='f', callback=function() end, flags={'odd'}}", "unknown flag"],
      ["local x =\n\n=", "user_function:4: unexpected symbol"],
    ] as const;
    for (const [body, words] of cases) {
      expect(await answerTo("FUNCTION", "LOAD", `#!lua name=wrong\n${body}`), body).toEqual({
        error: expect.stringContaining(words),
      });
    }
    expect(await answerTo("FUNCTION", "LIST")).toEqual({ result: [] });
  });
});
