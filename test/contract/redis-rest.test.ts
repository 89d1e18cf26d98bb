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

const base64 = { "Upstash-Encoding": "base64" };
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  server.request(path, { method: "POST", body: JSON.stringify(body), headers });
const json = async (answer: Promise<Response>): Promise<unknown> => (await answer).json();

describe("the forms of a request", () => {
  it("a command in the body may have numbers and booleans, and integers beyond a double keep their digits", async () => {
    expect(await json(server.command("RPUSH", "l", 1, true, 1.5, null))).toEqual({ result: 4 });
    await server.request("/", { method: "POST", body: '["RPUSH","l",12345678901234567890]' });
    expect(await json(server.command("LRANGE", "l", 0, -1))).toEqual({
      result: ["1", "true", "1.5", "", "12345678901234567890"],
    });
  });

  it("a command in the path is percent-decoded, then comes the body, then the query", async () => {
    expect(await json(server.request("/set/a%2Fb%20c/v"))).toEqual({ result: "OK" });
    expect(await json(server.command("GET", "a/b c"))).toEqual({ result: "v" });
    expect(await json(server.request("/set/foo?EX=100&NX", { method: "POST", body: "bar" }))).toEqual({ result: "OK" });
    expect(await json(server.command("TTL", "foo"))).toEqual({ result: 100 });
  });

  it("what Valkey lacks may come in the path, too", async () => {
    await server.request("/json.set/doc/$", { method: "POST", body: '{"a":[1]}' });
    expect(await json(server.request("/json.get/doc/$.a%5B0%5D"))).toEqual({ result: "[1]" });
    expect(await json(server.request("/scan/0?WITHTYPE"))).toEqual({ result: ["0", ["doc", "json"]] });
    const flagged = "#!lua flags=allow-key-locking\nreturn redis.call('GET', KEYS[1])";
    expect(await json(server.request(`/eval/${encodeURIComponent(flagged)}/1/absent`))).toEqual({ result: null });
  });

  it("a body in the path form is stored byte by byte", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await server.request("/set/binary", { method: "PUT", body: bytes });
    const { result } = (await json(post("/", ["GET", "binary"], base64))) as { result: string };
    expect(Buffer.from(result, "base64")).toEqual(Buffer.from(bytes));
  });

  it("HEAD answers without a body", async () => {
    const answer = await server.request("/get/foo", { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  it("the token may come in the query, and is no argument then", async () => {
    const answer = await fetch(`${server.url}/echo/hello?_token=${server.token}`);
    expect(await answer.json()).toEqual({ result: "hello" });
  });

  it("the root may be empty, as below a prefix", async () => {
    const answer = await fetch(`${server.url}?_token=${server.token}`, { method: "POST", body: '["PING"]' });
    expect(await answer.json()).toEqual({ result: "PONG" });
  });
});

describe("the shape of an answer", () => {
  it("base64 covers every string but an OK at the top", async () => {
    await server.command("SET", "k", "OK");
    expect(await json(post("/", ["SET", "k", "OK"], base64))).toEqual({ result: "OK" });
    expect(await json(post("/", ["MGET", "k", "absent"], base64))).toEqual({ result: ["T0s=", null] });
    expect(await json(post("/", ["PING"], base64))).toEqual({ result: "UE9ORw==" });
    expect(await json(post("/", ["INCR", "k"], base64))).toEqual({
      error: "ERR value is not an integer or out of range",
    });
    expect(
      await json(
        post(
          "/pipeline",
          [
            ["SET", "k", "v"],
            ["GET", "k"],
          ],
          base64,
        ),
      ),
    ).toEqual([{ result: "OK" }, { result: "dg==" }]);
  });

  it("base64 reaches into nested arrays, and leaves numbers, nils and errors alone", async () => {
    const script = "return {redis.status_reply('OK'), 7, false, {'é', {}}}";
    const encoded = { result: ["T0s=", 7, null, ["w6k=", []]] };
    expect(await json(post("/", ["EVAL", script, 0], base64))).toEqual(encoded);
    expect(
      await json(
        post(
          "/multi-exec",
          [
            ["EVAL", script, 0],
            ["INCR", "n"],
          ],
          base64,
        ),
      ),
    ).toEqual([encoded, { result: 1 }]);
    expect(await json(post("/pipeline", [["NOPE"]], base64))).toEqual([
      { error: expect.stringMatching(/^ERR unknown/) },
    ]);
    await server.command("XADD", "s", "1-0", "f", "v");
    expect(await json(post("/", ["XRANGE", "s", "-", "+"], base64))).toEqual({ result: [["MS0w", ["Zg==", "dg=="]]] });
  });

  it("every answer has a sync token of its own, errors and refusals included", async () => {
    const answers = [
      server.command("SET", "k", "v"),
      server.command("NOPE"),
      post("/pipeline", [["GET", "k"]]),
      post("/multi-exec", [["SELECT", 1]]),
      server.request("/", { method: "DELETE" }),
      fetch(server.url),
    ];
    const tokens = (await Promise.all(answers)).map(({ headers }) => headers.get("upstash-sync-token"));
    expect(tokens).not.toContain(null);
    expect(new Set(tokens).size).toBe(answers.length);
  });

  it("bytes that are no UTF-8 become U+FFFD without base64, and a nil is an explicit null", async () => {
    await server.request("/set/bad/%FF");
    expect(await json(server.command("GET", "bad"))).toEqual({ result: "\uFFFD" });
    expect(await (await server.command("GET", "absent")).text()).toBe('{"result":null}');
    expect(await (await server.command("LPOP", "absent", 1)).text()).toBe('{"result":null}');
  });

  it("an integer beyond 2^53 is written with all its digits", async () => {
    await server.command("SET", "n", "9223372036854775806");
    expect(await (await server.command("INCR", "n")).text()).toBe('{"result":9223372036854775807}');
  });

  it("resp2 answers are what Redis wrote", async () => {
    const resp2 = { "Upstash-Response-Format": "resp2" };
    const answer = await post("/pipeline", [["SET", "k", "v"], ["GET", "k"], ["GET", "x"], ["NOPE"]], resp2);
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(await answer.text()).toMatch(/^\+OK\r\n\$1\r\nv\r\n\$-1\r\n-ERR unknown command/);
    const single = await post("/", ["LRANGE", "k", 0, -1], resp2);
    expect([single.status, await single.text()]).toEqual([400, expect.stringMatching(/^-WRONGTYPE .*\r\n$/)]);
    expect((await post("/", ["PING"], { ...resp2, ...base64 })).status).toBe(400);
    expect((await post("/multi-exec", [["PING"]], resp2)).status).toBe(400);
    expect((await post("/", ["PING"], { "Upstash-Response-Format": "resp3" })).status).toBe(400);
  });

  it("a transaction gives results and errors in place, or one error with status 400 if nothing ran", async () => {
    const ran = await post("/multi-exec", [
      ["SET", "t", "abc"],
      ["INCR", "t"],
      ["GET", "t"],
    ]);
    expect(ran.status).toBe(200);
    expect(await ran.json()).toMatchObject([
      { result: "OK" },
      { error: expect.stringContaining("ERR") },
      { result: "abc" },
    ]);
    const discarded = await post("/multi-exec", [
      ["SET", "t", "new"],
      ["SET", "t"],
    ]);
    expect(discarded.status).toBe(400);
    expect(await discarded.json()).toEqual({ error: "ERR wrong number of arguments for 'set' command" });
    expect(await json(server.command("GET", "t"))).toEqual({ result: "abc" });
  });
});
