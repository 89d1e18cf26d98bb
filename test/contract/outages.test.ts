/**
 * What every route does while something behind the app is down; `docs/outages.md` says the same to people. Each is asked with what it accepts (`ask-route.ts`), for
 * things that are there, so that it comes as far as what is down. `costs.test.ts` holds that none of them is refused otherwise.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultRule } from "../../stack/faults.ts";
import { redisCommand } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { askRoute, readAnswer } from "./ask-route.ts";
import { plant, plantedRuns } from "./planted-things.ts";
import { routeAccess, type Planted } from "./route-access.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ definitions: plantedRuns });
});
afterAll(() => app.close());

const routes = Object.keys(routeAccess);

/** The other half of these routes: what the queue has given up. */
const ofMessages = [
  "GET /api/dead-letters?cursor=m",
  "POST /api/dead-letters/:deadMessageId/retry",
  "DELETE /api/dead-letters/:deadMessageId",
];
const asked = [...routes, ...ofMessages];

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

interface Asking {
  readonly owner: TestCaller;
  readonly planted: Planted;
}

async function ask(route: string, { owner, planted }: Asking): Promise<Answer> {
  const response = await askRoute(app, route, owner, planted);
  const isProblem = response.headers.get("content-type")?.includes("problem+json") === true;
  if (isProblem) return { status: response.status, code: ((await response.json()) as { code: string }).code };
  // What a stream says of a failure is held by outages.work.test.ts.
  await readAnswer(route, response);
  return { status: response.status, code: undefined };
}

async function newOwner(): Promise<Asking> {
  const owner = await app.signIn();
  return { owner, planted: await plant(app, owner) };
}

/** Those that only look share an owner; each of the others has one, so that none sees what another did. */
async function ownersOf(): Promise<(route: string) => Asking> {
  const reader = await newOwner();
  const others = asked.filter((route) => !route.startsWith("GET "));
  const owners = new Map<string, Asking>();
  // Planting waits more than it works.
  while (others.length > 0) {
    await Promise.all(others.splice(0, 10).map(async (route) => owners.set(route, await newOwner())));
  }
  return (route) => owners.get(route) ?? reader;
}

type Answers = Readonly<Record<string, Answer>>;

async function askAll(fault: Omit<FaultRule, "id">, ownerOf: (route: string) => Asking): Promise<Answers> {
  app.stack.faults.add(fault);
  const answers = await Promise.all(asked.map(async (route) => [route, await ask(route, ownerOf(route))] as const));
  await app.background();
  app.stack.faults.clear();
  return Object.fromEntries(answers);
}

/** The answers that are refusals or failures. */
function wrongs(answers: Answers): Answers {
  return Object.fromEntries(Object.entries(answers).filter(([, { status }]) => status >= 400));
}

const answered = (routesOf: readonly string[], answer: Answer): Answers =>
  Object.fromEntries(routesOf.map((route) => [route, answer]));

/** They need nothing from Redis; the first delivery of a workflow has QStash send the second, which does. */
const withoutRedis: ReadonlySet<string> = new Set(["GET /health", "GET /api/tools", "POST /api/workflows/agent"]);

describe.each([
  ["is down", { server: "redis", action: "drop-before" }],
  ["answers with errors", { server: "redis", action: "status", status: 500 }],
  ["takes longer than we wait", { server: "redis", action: "delay", delayMs: 7_000 }],
] as const)("while Redis %s", (_how, fault) => {
  it("every route that needs it says 503 redis_unavailable, and the others answer", { timeout: 60_000 }, async () => {
    // Nobody gets through, so one owner will do.
    const owner = await newOwner();
    const answers = await askAll(fault, () => owner);
    const needing = asked.filter((route) => !withoutRedis.has(route));
    expect(wrongs(answers)).toEqual({
      ...answered(needing, { status: 503, code: "redis_unavailable" }),
      "GET /ready": { status: 503, code: undefined },
    });
  });
});

/** They have to tell QStash something, or ask it, before they can answer. */
const needQstash = [
  "POST /api/runs/:runId/cancel",
  "POST /api/runs/:runId/resume",
  "POST /api/runs/:runId/retry",
  "POST /api/runs/:runId/compensate",
  "POST /api/runs/:runId/signal",
  "POST /api/dead-letters/:letterId/retry",
  "DELETE /api/dead-letters/:letterId",
  ...ofMessages,
  "POST /api/schedules",
  "GET /api/schedules",
  "GET /api/schedules/:scheduleId",
  "POST /api/schedules/:scheduleId/pause",
  "POST /api/schedules/:scheduleId/resume",
  "POST /api/engine/call-result",
  "POST /api/engine/resume",
];

describe("while QStash is down", () => {
  it("routes that speak with it say 503 queue_unavailable, and every other answers", { timeout: 120_000 }, async () => {
    const ownerOf = await ownersOf();
    const { userId, dueRunId } = ownerOf("POST /api/engine/resume").planted;
    // Something to send for the sweep.
    await redisCommand(app.stack, ["ZADD", "runs:due", 1, `${userId}/${dueRunId}`]);
    const answers = await askAll({ server: "qstash", action: "drop-before" }, ownerOf);
    expect(wrongs(answers)).toEqual({
      ...answered(needQstash, { status: 503, code: "queue_unavailable" }),
      // Its SDK says it in its own way; to QStash it is the same.
      "POST /api/workflows/agent": { status: 500, code: undefined },
    });
  });
});

describe("while the model is down", () => {
  it("every route answers as it does otherwise", { timeout: 120_000 }, async () => {
    const ownerOf = await ownersOf();
    // From then on the list of models is known.
    await ask("GET /api/models", ownerOf("GET /api/models"));
    expect(wrongs(await askAll({ server: "model", action: "drop-before" }, ownerOf))).toEqual({});
  });
});
