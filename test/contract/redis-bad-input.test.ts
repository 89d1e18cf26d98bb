import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.close());
afterEach(async () => {
  expect(await (await server.command("ECHO", "alive")).json()).toEqual({ result: "alive" });
});

const post = (body: string | Uint8Array<ArrayBuffer>, path = "/"): Promise<Response> =>
  server.request(path, { method: "POST", body });

async function expectError(answer: Promise<Response>, status: number, text: string): Promise<void> {
  const {
    status: given,
    headers,
    ...rest
  } = await answer.then(async (response) => ({
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { error: string },
  }));
  expect(given).toBe(status);
  expect(headers.get("content-type")).toBe("application/json");
  expect(rest.body.error).toContain(text);
}

describe("who may ask", () => {
  it("no token and a wrong token are answered with 401", async () => {
    await expectError(fetch(server.url), 401, "WRONGPASS");
    await expectError(fetch(server.url, { headers: { Authorization: "Bearer wrong" } }), 401, "WRONGPASS");
    await expectError(fetch(server.url, { headers: { Authorization: "Basic dGVzdA==" } }), 401, "WRONGPASS");
    await expectError(fetch(`${server.url}/ping?_token=wrong`), 401, "WRONGPASS");
  });

  it("a read-only token reads, and may not write, not even inside a script or transaction", async () => {
    const headers = { Authorization: `Bearer ${server.readOnlyToken}` };
    const ask = (path: string, ...body: unknown[]): Promise<Response> =>
      server.request(path, { method: "POST", body: JSON.stringify(body), headers });
    expect((await ask("/", "GET", "k")).status).toBe(200);
    expect((await ask("/", "EVAL_RO", "return redis.call('GET', KEYS[1])", 1, "k")).status).toBe(200);
    await expectError(ask("/", "SET", "k", "v"), 400, "NOPERM");
    await expectError(ask("/", "EVAL", "return redis.call('SET', 'k', 'v')", 0), 400, "NOPERM");
    await expectError(
      ask("/", "EVAL_RO", "return redis.call('SET', 'k', 'v')", 0),
      400,
      "Write commands are not allowed",
    );
    await expectError(ask("/multi-exec", ["GET", "k"], ["SET", "k", "v"]), 400, "NOPERM");
  });

  it("another method than HEAD, GET, POST, PUT is answered with 405", async () => {
    const answer = server.request("/get/foo", { method: "DELETE" });
    expect((await answer).headers.get("allow")).toBe("HEAD, GET, POST, PUT");
    await expectError(server.request("/get/foo", { method: "PATCH" }), 405, "method");
  });
});

describe("what cannot be read", () => {
  for (const body of [
    "",
    "{",
    "null",
    "{}",
    '"PING"',
    "[]",
    '[""]',
    "[null]",
    '[["PING"]]',
    '["SET","k",{"a":1}]',
    '["SET","k",[1]]',
  ]) {
    it(`the body ${body === "" ? "of no bytes" : body} is answered with 400`, () =>
      expectError(post(body), 400, "ERR"));
  }

  for (const body of ["{", "[]", "[[]]", '["PING"]', '[["PING"],{}]', '[["PING"],null]']) {
    it(`the pipeline ${body} is answered with 400`, async () => {
      await expectError(post(body, "/pipeline"), 400, "ERR");
      await expectError(post(body, "/multi-exec"), 400, "ERR");
    });
  }

  it("arrays nested a million deep are answered with 400", () => expectError(post("[".repeat(1_000_000)), 400, "ERR"));

  it("bytes that are neither UTF-8 nor JSON are answered with 400", () =>
    expectError(post(Uint8Array.from([0xff, 0xfe, 0])), 400, "ERR"));

  it("a request of 11 MB is answered with 400, and one just below 10 MB is served", async () => {
    await expectError(post(JSON.stringify(["SET", "k", "x".repeat(11_000_000)])), 400, "ERR max request size exceeded");
    const answer = await server.command("SET", "k", "x".repeat(10_000_000));
    expect(await answer.json()).toEqual({ result: "OK" });
    await server.command("DEL", "k");
  });

  it("an unknown command, too few arguments and odd paths are answered with 400", async () => {
    await expectError(server.command("NOPE", "x"), 400, "unknown command");
    await expectError(server.command("SET", "k"), 400, "wrong number of arguments");
    await expectError(server.request("/"), 400, "ERR");
    await expectError(server.request("//"), 400, "ERR");
    await expectError(server.request("/%zz/%"), 400, "ERR");
    await expectError(server.command("GET\r\nFLUSHALL\r\n"), 400, "unknown command");
  });

  it("a client that leaves in the middle of its body harms nobody", async () => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    await new Promise<void>((resolve) => {
      const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: 100\r\n\r\n["SET"`;
      socket.write(head, () => socket.destroy());
      socket.on("close", () => resolve());
    });
    expect((await server.command("PING")).status).toBe(200);
  });
});

describe("what is too long", () => {
  const limit = 32 * 1024;
  const atLimit = "k".repeat(limit);
  const beyond = `${atLimit}k`;
  const refused = (what: "key" | "member"): string =>
    `ERR max ${what} size exceeded. Limit: ${limit} bytes, Actual: ${limit + 1} bytes`;

  it("a key of 32 KB is taken, and one of a byte more is refused, wherever a command has its keys", async () => {
    expect((await server.command("SET", atLimit, "v")).status).toBe(200);
    for (const command of [
      ["SET", beyond, "v"],
      ["MSET", "k", "v", beyond, "v"],
      ["DEL", "k", beyond],
      ["EVAL", "return 1", 2, "k", beyond],
      ["XREAD", "STREAMS", "s", beyond, "0", "0"],
    ] as [string, ...unknown[]][]) {
      await expectError(server.command(...command), 400, refused("key"));
    }
    await server.command("DEL", atLimit);
  });

  it("a key counts in bytes, and is refused in its place in a pipeline and with the whole of a transaction", async () => {
    const wide = `k${"é".repeat(limit / 2)}`;
    const commands = JSON.stringify([
      ["SET", wide, "v"],
      ["ECHO", "after"],
    ]);
    expect(await (await post(commands, "/pipeline")).json()).toEqual([{ error: refused("key") }, { result: "after" }]);
    await expectError(post(commands, "/multi-exec"), 400, refused("key"));
  });

  it("a member of a set has the same limit; a value, an argument or a field has not", async () => {
    await expectError(server.command("SADD", "set", "a", beyond), 400, refused("member"));
    await expectError(server.command("ZADD", "sorted", 1, beyond), 400, refused("member"));
    expect((await server.command("SADD", "set", atLimit)).status).toBe(200);
    expect((await server.command("SET", "k", beyond)).status).toBe(200);
    expect((await server.command("HSET", "hash", beyond, beyond)).status).toBe(200);
    expect((await server.command("EVAL", "return #ARGV[1]", 1, "k", beyond)).status).toBe(200);
    await server.command("DEL", "set", "k", "hash");
  });
});

describe("what cannot be done over REST", () => {
  const refused: [string, ...unknown[]][] = [
    ["BLPOP", "k", 0],
    ["brpop", "k", 0],
    ["BLMOVE", "a", "b", "LEFT", "LEFT", 0],
    ["BZPOPMIN", "k", 0],
    ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"],
    ["XREADGROUP", "GROUP", "g", "c", "block", 0, "STREAMS", "s", ">"],
    ["WAIT", 1, 0],
    ["MULTI"],
    ["EXEC"],
    ["DISCARD"],
    ["WATCH", "k"],
    ["SELECT", 1],
    ["AUTH", "x"],
    ["HELLO", 3],
    ["QUIT"],
    ["RESET"],
    ["CLIENT", "REPLY", "OFF"],
    ["SUBSCRIBE", "c"],
    ["PSUBSCRIBE", "c"],
    ["MONITOR"],
    ["SHUTDOWN", "NOSAVE"],
    ["DEBUG", "SLEEP", 10],
    ["CONFIG", "SET", "maxmemory", 1],
    ["ACL", "RESTTOKEN", "default", "x"],
    ["SCRIPT", "DEBUG", "YES"],
  ];

  for (const [name, ...args] of refused) {
    it(`${name} ${String(args[0] ?? "")} is refused alone, in a pipeline beside others, and with the whole of a transaction`, async () => {
      await expectError(server.command(name, ...args), 400, "ERR");
      const body = JSON.stringify([
        ["SET", "touched", 1],
        [name, ...args],
        ["ECHO", "after"],
      ]);
      const pipeline = await (await post(body, "/pipeline")).json();
      expect(pipeline).toMatchObject([
        { result: "OK" },
        { error: expect.stringContaining("ERR") },
        { result: "after" },
      ]);
      await server.command("DEL", "touched");
      await expectError(post(body, "/multi-exec"), 400, "ERR");
      expect(await (await server.command("EXISTS", "touched")).json()).toEqual({ result: 0 });
    });
  }

  it("a stream may be read without BLOCK, and a stream may be called BLOCK", async () => {
    await server.command("XADD", "BLOCK", "1-1", "f", "v");
    const answer = await server.command("XREAD", "COUNT", 1, "STREAMS", "BLOCK", "0");
    expect(await answer.json()).toEqual({ result: [["BLOCK", [["1-1", ["f", "v"]]]]] });
  });

  it("a script without an end is killed after five seconds, and the next request is served", async () => {
    await expectError(server.command("EVAL", "while true do end", 0), 400, "Script killed by user");
  });
});
