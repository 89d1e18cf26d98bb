/** What the whole stack does with what nobody should send to its QStash. A message that was accepted before is always left. */
import { connect } from "node:net";
import { Client } from "@upstash/qstash";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";

let stack: RunningStack;
let client: Client;
let waitingId: string;

beforeAll(async () => {
  stack = await startStack();
  const { qstashUrl: baseUrl, qstashToken: token } = stack;
  client = new Client({ baseUrl, token, enableTelemetry: false, devMode: false, retry: false });
  ({ messageId: waitingId } = await client.publish({ url: "http://127.0.0.1:9/", delay: 3_600, body: "accepted" }));
});
afterAll(() => stack.close());
afterEach(async () => {
  expect(await client.messages.get(waitingId)).toMatchObject({ body: "accepted" });
});

function call(method: string, path: string, o: { headers?: Record<string, string>; body?: string } = {}) {
  return fetch(`${stack.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${stack.qstashToken}`, ...o.headers },
    ...(o.body !== undefined && { body: o.body }),
  });
}

async function expectRefusal(answer: Promise<Response>, status: number, reason: string): Promise<void> {
  const response = await answer;
  expect({ status: response.status, body: await response.json() }).toEqual({
    status,
    body: { error: expect.stringContaining(reason) },
  });
}

describe("a destination that is the stack itself", () => {
  const reason = "points at this server itself";
  const own = (host: string, path = "/v2/publish/x") => `http://${host}:${stack.port}${path}`;

  it.each([
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "app.localhost",
    "127.8.9.1",
    "127.1",
    "2130706433",
    "0.0.0.0",
    "[::1]",
  ])("is refused by any name of this machine: %s", (host) =>
    expectRefusal(call("POST", `/v2/publish/${own(host)}`), 400, reason),
  );

  it.each([
    "/",
    "/v2/batch",
    "/v1/../v2/batch",
    "/v2/workflows/runs/1",
    "/_stack/clock",
    "/redis/../v2/keys",
    "/v2?x=/v1/",
  ])("is refused at any path of QStash or the controls: %s", (path) =>
    expectRefusal(call("POST", `/v2/publish/${own("127.0.0.1", path)}`), 400, reason),
  );

  it("is refused in a batch, in a queue, in a group, in a schedule and as a callback", async () => {
    const url = own("localhost");
    const elsewhere = "http://127.0.0.1:9/";
    const batch = JSON.stringify([{ destination: url }]);
    await expectRefusal(call("POST", "/v2/batch", { body: batch }), 400, reason);
    await expectRefusal(call("POST", `/v2/enqueue/q/${url}`), 400, reason);
    const endpoints = JSON.stringify({ endpoints: [{ url: elsewhere }, { url }] });
    await expectRefusal(call("POST", "/v2/topics/g/endpoints", { body: endpoints }), 400, reason);
    await expectRefusal(call("GET", "/v2/topics/g"), 404, "not found");
    const cron = { "Upstash-Cron": "* * * * *" };
    await expectRefusal(call("POST", `/v2/schedules/${url}`, { headers: cron }), 400, reason);
    for (const name of ["Upstash-Callback", "Upstash-Failure-Callback"]) {
      await expectRefusal(call("POST", `/v2/publish/${elsewhere}`, { headers: { [name]: url } }), 400, reason);
      await expectRefusal(
        call("POST", `/v2/schedules/${elsewhere}`, { headers: { ...cron, [name]: url } }),
        400,
        reason,
      );
    }
  });

  it.each(["/v1/chat/completions", "/redis/set/k", "/redis", "/restaurant/charges", "/v2/workflows/hooks/u/r/e"])(
    "is taken where it stands for a service elsewhere: %s",
    async (path) => {
      const answer = await call("POST", `/v2/publish/${own("127.0.0.1", path)}`, {
        headers: { "Upstash-Delay": "1h" },
      });
      expect(answer.status).toBe(201);
    },
  );

  it("is not every destination on this machine", async () => {
    const url = `http://127.0.0.1:${stack.port === 9 ? 10 : 9}/`;
    expect((await call("POST", `/v2/publish/${url}`, { headers: { "Upstash-Delay": "1h" } })).status).toBe(201);
  });
});

describe("a limit", () => {
  it.each([
    ["Upstash-Retries", "1000", "1001", 412],
    ["Upstash-Timeout", "24h", "24h1s", 412],
    ["Upstash-Delay", "90d", "90d1s", 412],
    ["Upstash-Retry-Delay", `1${"+1".repeat(499)}`, `1${"+1".repeat(500)}`, 400],
    ["Upstash-Flow-Control-Value", "rate=999999999", "rate=1000000000", 400],
    ["Upstash-Flow-Control-Value", "rate=1,period=365d", "rate=1,period=365d1s", 400],
    ["Upstash-Flow-Control-Value", "parallelism=1", "parallelism=0", 400],
  ])("is taken as it stands, and refused one beyond it: %s", async (name, within, beyond, status) => {
    const publish = (value: string) =>
      call("POST", "/v2/publish/http://127.0.0.1:9/", {
        headers: {
          "Upstash-Flow-Control-Key": "k",
          "Upstash-Flow-Control-Value": "rate=1",
          "Upstash-Delay": "1h",
          [name]: value,
        },
      });
    expect((await publish(within)).status).toBe(201);
    await expectRefusal(publish(beyond), status, "");
  });

  it("holds for each item of a batch: 10 MB and a byte more", async () => {
    const item = (bytes: number) => ({
      destination: "http://127.0.0.1:9/",
      headers: { "upstash-delay": "1h" },
      body: "x".repeat(bytes),
    });
    const most = 10 * 1024 * 1024;
    const answer = await call("POST", "/v2/batch", { body: JSON.stringify([item(most), item(most + 1)]) });
    expect(answer.status).toBe(201);
    const [first, second] = (await answer.json()) as [{ messageId: string }, unknown];
    expect(second).toEqual({ error: expect.stringContaining("too large") });
    expect((await call("DELETE", `/v2/messages/${first.messageId}`)).status).toBe(200);
    await expectRefusal(call("POST", "/v2/batch", { body: JSON.stringify([item(most + 1)]) }), 413, "too large");
  });

  it("holds for the number of items of a batch, none included", async () => {
    expect(await (await call("POST", "/v2/batch", { body: "[]" })).json()).toEqual([]);
    const body = JSON.stringify(Array.from({ length: 10_001 }, () => ({ destination: "http://127.0.0.1:9/" })));
    await expectRefusal(call("POST", "/v2/batch", { body }), 412, "maxBatchSize");
  });
});

describe("what cannot be read", () => {
  it.each([
    ["an object in place of the URL", '[{"destination":{"url":"http://127.0.0.1:9/"}}]'],
    ["arrays that are nested a million deep", "[".repeat(1_000_000)],
    ["arrays that are nested a thousand deep", `${"[".repeat(1_000)}${"]".repeat(1_000)}`],
    ["a header that is an object", '[{"destination":"http://127.0.0.1:9/","headers":{"upstash-delay":{"s":1}}}]'],
    ["a list of numbers in a header", '[{"destination":"http://127.0.0.1:9/","headers":[1]}]'],
    ["bytes that are not text", "\u0000\ufffd"],
  ])("is refused in a batch: %s", (_, body) => expectRefusal(call("POST", "/v2/batch", { body }), 400, ""));

  it.each([
    "{",
    "null",
    "[]",
    '"g"',
    "{}",
    '{"endpoints":{}}',
    '{"endpoints":[]}',
    '{"endpoints":[null]}',
    '{"endpoints":[{"url":7}]}',
    '{"endpoints":[{"url":"ftp://x"}]}',
  ])("is refused as endpoints of a group: %s", (body) =>
    expectRefusal(call("POST", "/v2/topics/g/endpoints", { body }), 400, ""),
  );

  it.each([
    ["POST", "/v2/publish/http://127.0.0.1:9/?upstash-forward-x=a%0d%0ab"],
    ["POST", "/v2/publish/http://127.0.0.1:9/?upstash-forward-b%40d=x"],
    ["POST", "/v2/publish/http://127.0.0.1:9/?upstash-method=NO%20METHOD"],
    ["POST", "/v2/publish/http%3A%2F%2F%ff"],
    ["POST", "/v2/publish/javascript:alert(1)"],
    ["GET", "/v2/flowControl/%zz"],
    ["GET", "/v2/events?count=-1"],
    ["GET", "/v2/dlq?cursor=x"],
    ["DELETE", "/v2/messages?colour=red"],
    ["DELETE", "/v2/dlq?host=example.com"],
  ])("is refused as a request: %s %s", (method, path) => expectRefusal(call(method, path), 400, ""));

  it.each([
    ["GET", "/v2/publish/http://127.0.0.1:9/"],
    ["PUT", "/v2/publish/http://127.0.0.1:9/"],
    ["GET", "/v2/batch"],
    ["PATCH", "/v2/queues"],
    ["PUT", "/v2/schedules/http://127.0.0.1:9/"],
    ["POST", "/v2/keys"],
    ["GET", "/v2/keys/rotate"],
    ["PUT", "/v2/topics/g/endpoints"],
    ["POST", "/v2/messages/x"],
    ["GET", "/v2/flowControl/k/pause"],
    ["OPTIONS", "/v2/events"],
  ])("is a 404 in JSON when the method is another one: %s %s", (method, path) =>
    expectRefusal(call(method, path), 404, "not found"),
  );

  it("harms nobody when it is no HTTP, or when the client leaves in the middle of it", async () => {
    const head = `POST /v2/publish/http://127.0.0.1:9/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${stack.qstashToken}\r\n`;
    const pieces = [
      "\u0000\u0001\u0002 not HTTP at all\r\n\r\n",
      `${head}Content-Length: 100\r\n\r\nten bytes.`,
      `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
      `${head}X: ${"x".repeat(100_000)}\r\n\r\n`,
      head,
    ];
    for (const piece of pieces) await sendRaw(piece);
    expect((await call("GET", "/v2/keys")).status).toBe(200);
    const left = (await client.logs({ filter: { state: "CREATED" } })).logs.filter(({ url }) => url.endsWith(":9/"));
    expect(left.some(({ body }) => body !== undefined && atob(body) === "ten bytes.")).toBe(false);
  });
});

/** Resolves when the server has closed the connection, or we have once everything was sent. */
function sendRaw(text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(stack.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.resume();
    socket.write(text, () => socket.end());
  });
}

describe("a token that is wrong or missing", () => {
  it.each<[string, Record<string, string>]>([
    ["/v2/keys", {}],
    ["/v2/keys", { Authorization: "" }],
    ["/v2/keys", { Authorization: "Bearer" }],
    ["/v2/keys", { Authorization: "Bearer wrong" }],
    ["/v2/keys", { Authorization: "Basic d3Jvbmc=" }],
    ["/v2/keys?qstash_token=wrong", {}],
    ["/v2/keys?qstash_token=", {}],
  ])("is answered with 401 and a reason: %s %j", (path, headers) =>
    expectRefusal(fetch(`${stack.url}${path}`, { headers }), 401, "unauthorized"),
  );
});
