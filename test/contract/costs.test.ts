/**
 * What each route costs on its common path, held against `bench/costs.json`: billed Redis commands, round trips to Redis and messages of the queue, that of
 * the work behind the answer included. A route that has come to cost more fails, and so does one that is refused; `unit/route-access.test.ts` holds the rows to the routes.
 *
 * After a change that is worth its price: `UPDATE=1 npx vitest run --project contract test/contract/costs.test.ts`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlertMinute } from "../../src/ops/check-alerts.ts";
import { OFFLINE_EMBEDDING_NAME, OFFLINE_MODEL_NAME } from "../../stack/model/model-front.ts";
import { forgetLimits } from "../support/forget-limits.ts";
import { chatBody, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { askPartner } from "../support/test-runs.ts";
import { askRoute, readAnswer } from "./ask-route.ts";
import { plant, plantedRuns } from "./planted-things.ts";
import { routeAccess, type Planted } from "./route-access.ts";

interface Cost {
  readonly commands: number;
  readonly roundTrips: number;
  readonly messages: number;
}

const file = "bench/costs.json";
const isUpdate = process.env["UPDATE"] === "1";
const table = JSON.parse(readFileSync(file, "utf8")) as Record<string, Cost>;
const measured: Record<string, Cost> = {};

/** Their common path is an answer that is cached. */
const askedBefore: ReadonlySet<string> = new Set(["GET /api/models"]);

/** The limiter counts a caller's first request of a minute with one command more; the table has what the others cost. */
const limiterCommands = 4;

/** Routes whose common path is a refusal, with the reason. There is none: every row says what it costs to be answered. */
const refusals: Readonly<Record<string, string>> = {};

/** Who only looks comes first, then who changes something, then who takes it away; and last who takes from the owner what all others need. */
function turnOf(route: string): number {
  if (/^DELETE \/api\/(?:sessions|memory$)/.test(route)) return 3;
  if (route.startsWith("DELETE ")) return 2;
  return route.startsWith("GET ") ? 0 : 1;
}

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    definitions: [askPartner, ...plantedRuns],
    time: "stack",
    bindings: {
      MODEL_PRICES: JSON.stringify({
        [OFFLINE_MODEL_NAME]: { input: 1, output: 2 },
        [OFFLINE_EMBEDDING_NAME]: { input: 1, output: 0 },
      }),
    },
  });
  // The sweep of some minutes looks for alerts, too: the common one does not.
  while (isAlertMinute(app.stack.clock.now())) await app.stack.clock.advance(60_000);
  // From then on Redis knows the scripts, and the isolate the budgets of the runs.
  const owner = await app.signIn();
  const planted = await plant(app, owner);
  const routes = Object.keys(routeAccess).toSorted((a, b) => turnOf(a) - turnOf(b));
  for (const [index, route] of routes.entries()) {
    if (index % 40 === 0) await forgetLimits(app.stack);
    await ask(route, owner, planted);
  }
}, 120_000);
afterAll(async () => {
  await app.close();
  if (isUpdate) writeFileSync(file, tableText());
});

/** One line for each route. */
function tableText(): string {
  const rows = Object.entries(measured).map(([route, { commands, roundTrips, messages }]) => {
    const cost = `{ "commands": ${commands}, "roundTrips": ${roundTrips}, "messages": ${messages} }`;
    return `  ${JSON.stringify(route)}: ${cost}`;
  });
  return `{\n${rows.join(",\n")}\n}\n`;
}

/** Asks as who gets through, reads the answer, and waits for what goes on behind it. */
async function ask(route: string, owner: TestCaller, planted: Planted): Promise<Response> {
  const response = await askRoute(app, route, owner, planted);
  await readAnswer(route, response);
  await app.settled();
  return response;
}

async function costOf(route: string): Promise<Cost> {
  const owner = await app.signIn();
  const planted = await plant(app, owner);
  if (askedBefore.has(route)) await ask(route, owner, planted);
  app.stack.ledger.reset();
  const { status } = await ask(route, owner, planted);
  const { commands, byKeyPrefix, roundTrips, messages } = app.stack.ledger.read();
  if (refusals[route] === undefined)
    expect(status, `${route} is refused, so what it costs was not measured`).toBeLessThan(400);
  const ofLimiter = Object.entries(byKeyPrefix).filter(([prefix]) => prefix.startsWith("ratelimit:"));
  const counted = ofLimiter.reduce((sum, [, count]) => sum + count, 0);
  return { commands: commands - counted + ofLimiter.length * limiterCommands, roundTrips, messages };
}

describe("the table of costs", () => {
  it.each(Object.keys(routeAccess))("%s costs no more than it says", async (route) => {
    const cost = await costOf(route);
    measured[route] = cost;
    if (isUpdate) return;
    const allowed = table[route] ?? { commands: 0, roundTrips: 0, messages: 0 };
    const risen = (Object.keys(cost) as (keyof Cost)[]).filter((what) => cost[what] > allowed[what]);
    expect(
      risen.map((what) => `${what} of ${route}: ${allowed[what]} → ${cost[what]}`),
      `if it is worth its price, UPDATE=1 writes ${file} anew`,
    ).toEqual([]);
  });
});

/** Numbers of `Server-Timing`, by name. */
function timingOf(response: Response): Record<string, number[]> {
  const entries = (response.headers.get("Server-Timing") ?? "").split(", ").map((entry) => entry.split(";desc="));
  return Object.fromEntries(entries.map(([name = "", text = ""]) => [name, (text.match(/[\d.]+/g) ?? []).map(Number)]));
}

type Counts = Readonly<Record<string, number>>;

/** Requests that came to the stack since its ledger and traffic were emptied: to Redis, to the queue and to the model. */
function seenRequests(): number {
  const { roundTrips, modelCalls, embeddingCalls } = app.stack.ledger.read();
  return roundTrips + modelCalls + embeddingCalls + app.stack.traffic.list({ server: "qstash" }).length;
}

function forget(): void {
  app.stack.ledger.reset();
  app.stack.traffic.clear();
}

/** At the prices of this app's model, and those of 2026-08-21: $0.20 and $1 for 100,000 commands and messages. */
function moneyOf({ commands = 0, messages = 0, inputTokens = 0, outputTokens = 0 }: Counts) {
  const [redisUsd, queueUsd, modelUsd] = [commands * 2e-6, messages * 1e-5, (inputTokens + 2 * outputTokens) / 1e6];
  return {
    redisUsd: expect.closeTo(redisUsd, 9),
    queueUsd: expect.closeTo(queueUsd, 9),
    modelUsd: expect.closeTo(modelUsd, 9),
    totalUsd: expect.closeTo(redisUsd + queueUsd + modelUsd, 9),
    pricesAsOf: "2026-08-21",
  };
}

describe("the receipt of a request", () => {
  it.each([
    "GET /api/agents",
    "POST /api/agents",
    "PATCH /api/agents/:agentId",
    "PUT /api/memory/knowledge/:agentId/:key",
    "GET /api/runs/:runId",
    "POST /api/runs/:runId/pause",
    "GET /api/conversations",
    "POST /api/sessions",
    "GET /ready",
  ])("of %s in Server-Timing is what the stack has billed", async (route) => {
    const owner = await app.signIn();
    const planted = await plant(app, owner);
    // The limiter's first request of a minute is counted a command short when there was one in the minute before (`rate-limiter.ts`).
    await (await owner.fetch("/api/agents")).text();
    forget();
    const timing = timingOf(await ask(route, owner, planted));
    const { commands, roundTrips, messages } = app.stack.ledger.read();
    expect(timing).toMatchObject({
      redis: [commands, roundTrips],
      queue: [messages],
      subrequests: [seenRequests()],
    });
    expect(timing["money"]?.[0]).toBeGreaterThan(0);
  });

  it.each([
    ["a chat", {}],
    ["a chat with an agent", { agentId: "default" }],
  ])(
    "of %s is whole in the last line of its stream: every command and trip, and the model's tokens",
    async (_what, more) => {
      const owner = await app.signIn();
      forget();
      const response = await owner.post("/api/chat", { ...chatBody("c-receipt", "m1", "What is 2 + 3?"), ...more });
      const head = timingOf(response);
      const stream = await response.text();
      await app.settled();
      const { commands, roundTrips, messages } = app.stack.ledger.read();
      const receipt = JSON.parse(/: receipt (\{.*\})\n\n$/.exec(stream)?.[1] ?? "{}") as Counts;
      const subrequests = seenRequests();
      expect(receipt).toMatchObject({ commands, roundTrips, messages, subrequests, money: moneyOf(receipt) });
      expect(receipt["inputTokens"]).toBeGreaterThan(0);
      expect(receipt["outputTokens"]).toBeGreaterThan(0);
      expect(head["redis"]?.[0]).toBeLessThan(commands);
    },
  );

  it("has the tokens of what was embedded, and their money", async () => {
    const owner = await app.signIn();
    const value = "Oak tables are on the left.";
    const init = { method: "PUT", body: JSON.stringify({ value }), headers: { "content-type": "application/json" } };
    const timing = timingOf(await owner.fetch("/api/memory/knowledge/chat/tables", init));
    const [inputTokens = 0] = timing["model"] ?? [];
    expect(inputTokens).toBeGreaterThanOrEqual(value.length / 4);
    const [commands = 0] = timing["redis"] ?? [];
    expect(timing["money"]?.[0]).toBeCloseTo(commands * 2e-6 + inputTokens / 1e6, 8);
  });

  it("of a dead letter that is sent again has the message, and its callback", async () => {
    const owner = await app.signIn();
    const url = "http://127.0.0.1:1/";
    await owner.post("/api/execute", { name: "ask-partner", input: { url } });
    await app.settled();
    const { letters } = (await (await owner.fetch("/api/dead-letters")).json()) as { letters: { id: string }[] };
    expect(letters).toHaveLength(1);
    forget();
    const timing = timingOf(await owner.fetch(`/api/dead-letters/${letters[0]!.id}/retry`, { method: "POST" }));
    expect(timing).toMatchObject({ queue: [2], subrequests: [seenRequests()] });
    await app.settled();
    const { byUrl, messages } = app.stack.ledger.read();
    // It fails again, of which its failure callback tells.
    expect([byUrl[url], messages]).toEqual([1, 2 + 1]);
  });

  it("of nothing asked of anybody is nothing", async () => {
    expect(timingOf(await app.fetch("/api/nowhere"))).toMatchObject({ redis: [0, 0], queue: [0], money: [0] });
  });
});

describe("the receipt of a run", () => {
  /** Identity and limit, which are on the receipt of the request that starts it. */
  const ofTheRequest = 1;

  it("has the model's tokens and their money, once, however often it is asked for", async () => {
    const caller = await app.signIn();
    forget();
    const goal = "What is 2 + 3?";
    const answer = await caller.post("/api/agents/workflow", { goal }, { headers: { prefer: "wait=20" } });
    const { runId } = (await answer.json()) as { runId: string };
    await app.settled();
    const { modelCalls } = app.stack.ledger.read();
    const subrequests = seenRequests() - ofTheRequest;
    const receipt = (await (await caller.fetch(`/api/runs/${runId}/receipt`)).json()) as Counts;
    expect(modelCalls).toBeGreaterThan(0);
    expect(receipt["inputTokens"]).toBeGreaterThan(0);
    expect(receipt["outputTokens"]).toBeGreaterThan(0);
    expect(receipt).toMatchObject({ isFinal: true, subrequests, money: moneyOf(receipt) });
    const view = (await (await caller.fetch(`/api/runs/${runId}`)).json()) as { output: { spent: { tokens: number } } };
    // It looks into what its agent knows by the meaning of its goal; the stack's embedder takes four characters for a token.
    const embeddedTokens = Math.ceil(goal.length / 4);
    expect(view.output.spent.tokens + embeddedTokens).toBe(receipt["inputTokens"]! + receipt["outputTokens"]!);
    await (await caller.fetch(`/api/runs/${runId}/events`)).text();
    expect(await (await caller.fetch(`/api/runs/${runId}/receipt`)).json()).toEqual(receipt);
  });
});
