import { afterAll, beforeAll, expect, test } from "vitest";
import { PortTakenError } from "../../stack/port-taken.ts";
import { startStack } from "../../stack/start-stack.ts";
import type { RunningStack } from "../../stack/start-stack.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const response = await fetch(`${stack.url}${path}`, init);
  const text = await response.text();
  return { status: response.status, json: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>) };
}

test("one port serves Redis, QStash, the model and control", async () => {
  const redis = { authorization: `Bearer ${stack.redisToken}` };
  expect((await call("GET", "/redis/ping", undefined, redis)).json).toEqual({ result: "PONG" });
  const qstash = { authorization: `Bearer ${stack.qstashToken}` };
  expect((await call("GET", "/v2/keys", undefined, qstash)).json).toMatchObject({ current: stack.currentSigningKey });
  const model = { authorization: `Bearer ${stack.modelApiKey}` };
  expect((await call("GET", "/v1/models", undefined, model)).status).toBe(200);
  expect((await call("GET", "/health")).json).toMatchObject({ status: "ok" });
});

test("the clock is frozen, advanced and released", async () => {
  expect((await call("POST", "/_stack/clock", { action: "freeze" })).json?.["frozen"]).toBe(true);
  const before = (await call("GET", "/_stack/clock")).json?.["nowMs"] as number;
  const after = await call("POST", "/_stack/clock", { action: "advance", ms: 3_600_000 });
  expect(after.json).toEqual({ nowMs: before + 3_600_000, frozen: true });
  expect((await call("POST", "/_stack/clock", { action: "release" })).json?.["frozen"]).toBe(false);
});

test("a fault is added, shown, committed and removed", async () => {
  const fault = { server: "redis", action: "status", status: 500, match: "PING", body: "broken" };
  const added = await call("POST", "/_stack/faults", fault);
  expect(added.status).toBe(201);
  expect((await call("GET", "/_stack/faults")).json?.["faults"]).toEqual([added.json]);
  const redis = { authorization: `Bearer ${stack.redisToken}` };
  const broken = await fetch(`${stack.redisUrl}/ping`, { headers: redis });
  expect([broken.status, await broken.text()]).toEqual([500, "broken"]);
  const id = String(added.json?.["id"]);
  expect((await call("DELETE", `/_stack/faults/${id}`)).status).toBe(204);
  expect((await call("DELETE", `/_stack/faults/${id}`)).status).toBe(404);
  expect((await call("DELETE", "/_stack/faults")).status).toBe(204);
});

test("the ledger is read and reset", async () => {
  stack.ledger.reset();
  const redis = { authorization: `Bearer ${stack.redisToken}` };
  await call("POST", "/redis", ["SET", "a:b", "1"], redis);
  expect((await call("GET", "/_stack/ledger")).json).toMatchObject({
    commands: 1,
    byCommand: { SET: 1 },
    roundTrips: 1,
  });
  expect((await call("DELETE", "/_stack/ledger")).status).toBe(204);
  expect((await call("GET", "/_stack/ledger")).json).toMatchObject({ commands: 0, roundTrips: 0 });
});

test.each([
  ["clock", { action: "stop" }, 'action must be "freeze", "advance" or "release"'],
  ["clock", { action: "advance", ms: -1 }, "ms must be"],
  ["faults", { server: "moon", action: "delay" }, "server must be one of"],
  ["faults", { server: "redis", action: "explode" }, "action must be one of"],
  ["faults", { server: "redis", action: "delay", delay: 1 }, "unknown field delay"],
  ["faults", { server: "redis", action: "delay", delayMs: "1" }, "delayMs must be of type number"],
  ["faults", { server: "redis", action: "delay", every: 0 }, "every must be 1 or more"],
  ["faults", [], "the body must be a JSON object"],
])("a mistake sent to %s is 400 and named: %j", async (subject, body, words) => {
  const refused = await call("POST", `/_stack/${subject}`, body);
  expect([refused.status, refused.json?.["error"]]).toEqual([400, expect.stringContaining(words)]);
});

test("an unknown route is 404 and lists what exists", async () => {
  const answer = await call("GET", "/_stack/nothing");
  expect([answer.status, answer.json?.["routes"]]).toEqual([
    404,
    expect.arrayContaining(["GET|DELETE /_stack/ledger"]),
  ]);
  expect((await call("GET", "/redistribution")).status).toBe(404);
});

test("a page of another site cannot steer the stack", async () => {
  expect((await call("DELETE", "/_stack/ledger", undefined, { origin: "https://evil.example" })).status).toBe(403);
  expect((await call("GET", "/_stack/ledger", undefined, { origin: "http://localhost:8787" })).status).toBe(200);
});

test("a taken port is said to be taken, by its number", async () => {
  const failure = await startStack({ port: stack.port }).catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(PortTakenError);
  expect((failure as PortTakenError).port).toBe(stack.port);
});

test("closing twice is the same as closing once, and ends an answer that is under way", async () => {
  const other = await startStack();
  other.model.script({ kind: "stall", afterChunks: 1 });
  const response = await fetch(`${other.modelBaseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${other.modelApiKey}` },
    body: JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "hi" }] }),
  });
  await Promise.all([other.close(), other.close()]);
  await expect(response.text()).rejects.toThrow();
  await expect(fetch(other.url)).rejects.toThrow();
});
