/** What every route does while something behind the app is down; `docs/outages.md` says the same to people. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { createWire } from "../../src/wire.ts";
import type { FaultRule } from "../../stack/faults.ts";
import { routeAccess } from "./route-access.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** All routes of the app, those of middleware left out. */
const routes = [
  ...new Set(
    createApp(createWire)
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`),
  ),
];

/** Answered without a look at Redis; all others are refused while it is down. Unsigned deliveries are refused before it is asked. */
function withoutRedis(route: string): { status: number; code: string | undefined } | undefined {
  if (routeAccess[route]?.by === "queue") return { status: 401, code: "invalid_signature" };
  if (routeAccess[route]?.by === "operator") return { status: 401, code: "unauthenticated" };
  return route === "GET /health" || route === "GET /api/tools" ? { status: 200, code: undefined } : undefined;
}

/** They speak with QStash itself. */
const needQstash: ReadonlySet<string> = new Set(["GET /api/dead-letters"]);

const noId = "0".repeat(32);
const idOf: Readonly<Record<string, string>> = {
  runId: `run_${noId}`,
  agentId: `agt_${noId}`,
  erasureId: `run_${noId}`,
};

async function ask(who: TestCaller, route: string): Promise<{ status: number; code: string | undefined }> {
  const [method = "", path = ""] = route.split(" ");
  const url = path.replaceAll(/:(\w+)/g, (_parameter, name: string) => idOf[name] ?? "c1");
  const body = JSON.stringify(bodyOf(path));
  const left = new AbortController();
  const response = await who.fetch(url, {
    method,
    signal: left.signal,
    ...(method === "GET" ? {} : { body, headers: { "content-type": "application/json" } }),
  });
  const isProblem = response.headers.get("content-type")?.includes("problem+json") === true;
  const code = isProblem ? ((await response.json()) as { code: string }).code : undefined;
  if (!isProblem) await response.body?.cancel();
  left.abort();
  return { status: response.status, code };
}

function bodyOf(path: string): unknown {
  if (path === "/api/chat")
    return { id: "c1", messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "hi" }] }] };
  if (path === "/api/execute") return { name: "no-such-run", input: {} };
  return {};
}

/** Each with a caller of its own, so that no route sees what another did. */
async function askAll(
  fault?: Omit<FaultRule, "id">,
): Promise<Map<string, { status: number; code: string | undefined }>> {
  const callers: TestCaller[] = [];
  while (callers.length < routes.length) callers.push(await app.signIn());
  if (fault !== undefined) app.stack.faults.add(fault);
  const answers = await Promise.all(routes.map((route, index) => ask(callers[index]!, route)));
  await app.background();
  app.stack.faults.clear();
  return new Map(routes.map((route, index) => [route, answers[index]!]));
}

const refused = { status: 503, code: "redis_unavailable" };

describe.each([
  ["is down", { server: "redis", action: "drop-before" }],
  ["answers with errors", { server: "redis", action: "status", status: 500 }],
  ["takes longer than we wait", { server: "redis", action: "delay", delayMs: 7_000 }],
] as const)("while Redis %s", (_how, fault) => {
  it("every route that needs it says 503 redis_unavailable, and the others answer", { timeout: 60_000 }, async () => {
    const answers = await askAll(fault);
    const expected = routes.map((route) => {
      if (route === "GET /ready") return [route, { status: 503, code: undefined }];
      return [route, withoutRedis(route) ?? refused];
    });
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(expected));
  });
});

describe("while QStash is down", () => {
  it(
    "routes that speak with it say 503 queue_unavailable, and every other answers as it does otherwise",
    { timeout: 60_000 },
    async () => {
      const expected = [...(await askAll())].map(([route, answer]) => {
        return [route, needQstash.has(route) ? { status: 503, code: "queue_unavailable" } : answer];
      });
      expect(Object.fromEntries(await askAll({ server: "qstash", action: "drop-before" }))).toEqual(
        Object.fromEntries(expected),
      );
    },
  );
});

describe("while the model is down", () => {
  it("every route answers as it does otherwise", { timeout: 60_000 }, async () => {
    // From then on the list of models is known.
    const expected = await askAll();
    const answers = await askAll({ server: "model", action: "drop-before" });
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(expected));
  });
});
