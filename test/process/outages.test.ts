/**
 * The built Worker in workerd while one thing behind it is away: QStash down, the model down, Redis slow. One route of each row of docs/outages.md says what the page
 * says, and once that is back, what was kept is done. `contract/outages.test.ts` asks every route.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import type { FaultRule } from "../../stack/faults.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { dinnerRequest } from "../support/dinner.ts";
import { uiChunks } from "../support/sse.ts";
import { chatBody } from "../support/test-app.ts";
import { deliver } from "../support/tool-client.ts";
import { startWorkerdApp, type WorkerdApp } from "./workerd-app.ts";

let stack: RunningStack;
let app: WorkerdApp;
beforeAll(async () => {
  stack = await startStack();
  app = await startWorkerdApp(stack);
});
afterEach(() => healed());
afterAll(async () => {
  await app.close();
  await stack.close();
});

/** As a person would break it. */
async function broken(rule: Omit<FaultRule, "id">): Promise<void> {
  const answer = await fetch(`${stack.url}/_stack/faults`, { method: "POST", body: JSON.stringify(rule) });
  expect(answer.status).toBe(201);
}

async function healed(): Promise<void> {
  await fetch(`${stack.url}/_stack/faults`, { method: "DELETE" });
}

interface Guest {
  readonly userId: string;
  send(method: string, path: string, body?: unknown): Promise<Response>;
  json(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
}

async function newGuest(): Promise<Guest> {
  const opened = await fetch(`${app.url}/api/sessions`, { method: "POST" });
  const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
  const { userId } = (await opened.json()) as { userId: string };
  const send: Guest["send"] = (method, path, body) => {
    const json = { body: JSON.stringify(body), headers: { cookie, "content-type": "application/json" } };
    return fetch(`${app.url}${path}`, body === undefined ? { method, headers: { cookie } } : { method, ...json });
  };
  return {
    userId,
    send,
    json: async (...asked) => (await (await send(...asked)).json()) as Record<string, unknown>,
  };
}

/** So that its guest is reminded at once. */
const dinner = () => ({ name: "book-dinner", input: dinnerRequest(Date.now(), { remindBeforeMinutes: 7 * 24 * 60 }) });
const yes = { name: "guest-confirms", id: "the-word", payload: { confirmed: true } };
const forGuest = { waits: [{ signal: "guest-confirms" }] };

async function waitingDinner(guest: Guest): Promise<string> {
  const { runId } = await guest.json("POST", "/api/execute", dinner());
  await becomes(() => guest.json("GET", `/api/runs/${String(runId)}`), forGuest);
  return String(runId);
}

async function becomes(look: () => Promise<unknown>, what: object): Promise<void> {
  await expect.poll(look, { timeout: 90_000, interval: 500 }).toMatchObject(what);
}

/** The sweep, as an operator calls it. */
async function swept(): Promise<void> {
  const headers = { "x-internal-key": LOCAL_INTERNAL_KEY };
  await (await fetch(`${app.url}/api/engine/resume`, { method: "POST", headers })).text();
}

interface Said {
  /** The status, and the code of a refusal or the last chunk of a stream. */
  readonly text: string;
  readonly body: Record<string, unknown>;
}

async function read(response: Response): Promise<Said> {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) {
    return { text: `${status} ${(await uiChunks(response)).at(-1)?.type}`, body: {} };
  }
  const body = type.includes("json") ? ((await response.json()) as Record<string, unknown>) : {};
  if (status === 503) expect(headers.get("retry-after"), JSON.stringify(body)).toMatch(/^\d+$/);
  return { text: typeof body["code"] === "string" ? `${status} ${body["code"]}` : `${status}`, body };
}

/** Asks one route of each row of the page, all at once. */
async function askRows(guest: Guest, runId: string): Promise<Record<string, Said>> {
  const operator = { headers: { "x-internal-key": LOCAL_INTERNAL_KEY } };
  const served = { url: app.url, stack, fetch: (path: string, init?: RequestInit) => fetch(`${app.url}${path}`, init) };
  const query = new URLSearchParams({ userId: guest.userId, runId, signal: "$call nobody" }).toString();
  const callback = { status: 200, body: btoa("42"), retried: 0, maxRetries: 0 };
  const rows: Record<string, Promise<Response>> = {
    health: guest.send("GET", "/health"),
    tools: guest.send("GET", "/api/tools"),
    ready: guest.send("GET", "/ready"),
    metrics: fetch(`${app.url}/metrics`, operator),
    chat: guest.send("POST", "/api/chat", chatBody("c", "m1", "What is 2 + 3?")),
    "a run": guest.send("POST", "/api/execute", dinner()),
    "an act on a run": guest.send("POST", `/api/runs/${runId}/signal`, yes),
    "a fork": guest.send("POST", `/api/runs/${runId}/fork`, { steps: 0 }),
    "a queued call": guest.send("POST", "/api/tools/calculator/queue", { parameters: { expression: "6 * 7" } }),
    schedules: guest.send("GET", "/api/schedules"),
    "dead letters": guest.send("GET", "/api/dead-letters?cursor=m"),
    models: guest.send("GET", "/api/models"),
    "another route": guest.send("GET", "/api/conversations"),
    "a delivery": deliver(served, `/api/engine/call-result?${query}`, callback),
    "an unsigned delivery": fetch(`${app.url}/api/engine/execute-step`, { method: "POST", body: "{}" }),
  };
  const entries = Object.entries(rows).map(async ([row, asked]) => [row, await read(await asked)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

const texts = (said: Record<string, Said>): Record<string, string> =>
  Object.fromEntries(Object.entries(said).map(([row, { text }]) => [row, text]));

const asUsual = {
  health: "200",
  tools: "200",
  ready: "200",
  metrics: "200",
  chat: "200 finish",
  "a run": "202",
  "an act on a run": "202",
  "a fork": "202",
  "a queued call": "202",
  schedules: "200",
  "dead letters": "200",
  models: "200",
  "another route": "200",
  "a delivery": "200",
  "an unsigned delivery": "401 invalid_signature",
};

/** With a dinner that waits for its word, a schedule, and models that were listed before. */
async function seated(): Promise<{ guest: Guest; runId: string }> {
  const guest = await newGuest();
  const target = { kind: "tool", name: "calculator", parameters: { expression: "1 + 1" } };
  const made = await guest.send("POST", "/api/schedules", { when: { cron: "0 0 1 1 *" }, target });
  expect(made.status).toBe(201);
  expect((await guest.send("GET", "/api/models")).status).toBe(200);
  return { guest, runId: await waitingDinner(guest) };
}

const statusOf = (guest: Guest, runId: string) => () => guest.json("GET", `/api/runs/${runId}`);

describe("the built Worker", () => {
  it("says what QStash alone being down means, and does what it kept", { timeout: 240_000 }, async () => {
    const { guest, runId } = await seated();
    await broken({ server: "qstash", action: "drop-before" });
    const said = await askRows(guest, runId);
    const refused = "503 queue_unavailable";
    expect(texts(said)).toEqual({
      ...asUsual,
      "an act on a run": refused,
      schedules: refused,
      "dead letters": refused,
      "a delivery": refused,
    });
    const begun = String(said["a run"]?.body["runId"]);
    const executionId = String(said["a queued call"]?.body["executionId"]);
    await becomes(statusOf(guest, begun), forGuest);
    const execution = (): Promise<unknown> => guest.json("GET", `/api/tools/executions/${executionId}`);
    expect(await execution()).toMatchObject({ status: "queued" });
    await healed();
    // The word that was refused had been recorded, and the call stood in the outbox: nobody repeats either.
    await becomes(async () => (await swept(), execution()), { status: "completed", attempts: 1 });
    await becomes(async () => (await swept(), statusOf(guest, runId)()), { status: "completed" });
    expect((await guest.send("POST", `/api/runs/${begun}/signal`, yes)).status).toBe(202);
    await becomes(statusOf(guest, begun), { status: "completed" });
    const gauges = await fetch(`${app.url}/metrics`, { headers: { "x-internal-key": LOCAL_INTERNAL_KEY } });
    expect(await gauges.text()).toContain("skipstone_outbox_messages 0\n");
  });

  it("says what the model alone being down means, and asks it again", { timeout: 240_000 }, async () => {
    const { guest, runId } = await seated();
    await broken({ server: "model", action: "drop-before" });
    expect(texts(await askRows(guest, runId))).toEqual({ ...asUsual, chat: "200 error" });
    const before = stack.traffic.list({ server: "model" }).length;
    const agent = await guest.json("POST", "/api/agents/workflow", { goal: "What is 2 + 3?" });
    await expect.poll(() => stack.traffic.list({ server: "model" }).length, { interval: 20 }).toBeGreaterThan(before);
    await healed();
    await becomes(statusOf(guest, String(agent["runId"])), { status: "completed" });
    await becomes(statusOf(guest, runId), { status: "completed" });
    const again = await guest.send("POST", "/api/chat", chatBody("c", "m2", "What is 2 + 3?"));
    expect((await read(again)).text).toBe("200 finish");
  });

  it("does not wait for a Redis that is slow, and goes on once it is not", { timeout: 240_000 }, async () => {
    const { guest, runId } = await seated();
    // The word reaches the run while Redis is slow.
    await broken({ server: "delivery", match: runId, action: "delay", delayMs: 2_000, count: 1 });
    expect((await guest.send("POST", `/api/runs/${runId}/signal`, yes)).status).toBe(202);
    const slowMs = 20_000;
    await broken({ server: "redis", action: "delay", delayMs: slowMs });
    const startedAtMs = performance.now();
    const said = texts(await askRows(guest, runId));
    expect(performance.now() - startedAtMs).toBeLessThan(slowMs / 2);
    const refused = Object.keys(asUsual).map((row) => [row, "503 redis_unavailable"]);
    const { health, tools, "an unsigned delivery": unsigned } = asUsual;
    const others = { health, tools, ready: "503", "an unsigned delivery": unsigned };
    expect(said).toEqual({ ...Object.fromEntries(refused), ...others });
    expect(await statusOf(guest, runId)()).toMatchObject({ code: "redis_unavailable" });
    await healed();
    await becomes(statusOf(guest, runId), { status: "completed" });
    expect(await read(await guest.send("POST", "/api/chat", chatBody("c", "m2", "Hello")))).toMatchObject({
      text: "200 finish",
    });
  });
});
