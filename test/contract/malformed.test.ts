/** Every route of the app × what no route takes: each is refused with the code that is documented for it, and leaves nothing behind. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describedRoutes } from "../../scripts/openapi-document.ts";
import { limits } from "../../src/core/limits.ts";
import { forgetLimits } from "../support/forget-limits.ts";
import { redisCommand } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { deliver } from "../support/tool-client.ts";
import { pathOf } from "./ask-route.ts";
import { look, plant, plantedRuns } from "./planted-things.ts";
import { routeAccess, type Planted } from "./route-access.ts";

let app: TestApp;
let owner: TestCaller;
let planted: Planted;
let before: unknown;
beforeAll(async () => {
  app = await startTestApp({ definitions: plantedRuns, time: "stack" });
  owner = await app.signIn();
  planted = await plant(app, owner);
  before = await stored();
});
beforeEach(() => forgetLimits(app.stack));
afterAll(async () => {
  await app.close();
});

/** Nobody could write it down again. */
const deep = JSON.parse("[".repeat(3_000) + "]".repeat(3_000)) as unknown;

/** Each route that takes a value of any shape. */
const takingValues: readonly (readonly [route: string, body: object])[] = [
  ["POST /api/tools/:name/queue", { parameters: { expression: "1", deep } }],
  [
    "POST /api/schedules",
    { when: { delay: "1m" }, target: { kind: "tool", name: "calculator", parameters: { deep } } },
  ],
  ["POST /api/schedules", { when: { delay: "1m" }, target: { kind: "saga", name: "note", input: { deep } } }],
  ["POST /api/execute", { name: "book-dinner", input: { deep } }],
  ["POST /api/runs/:runId/signal", { name: "word", payload: deep }],
  ["POST /api/runs/:runId/fork", { steps: 1, input: deep }],
  ["PUT /api/memory/knowledge/:agentId/:key", { value: deep }],
  ["POST /api/agents/execute", { goal: "x", plan: { steps: [{ id: "a", tool: "calculator", parameters: { deep } }] } }],
];

/** What is there: as its owner sees it, in Redis but for the limiter's counters, and with the queue. */
async function stored(): Promise<unknown> {
  const keys = (await redisCommand(app.stack, ["KEYS", "*"])) as string[];
  const seen = await look(owner, planted);
  return {
    seen,
    keys: keys.filter((key) => !key.startsWith("ratelimit:")).toSorted(),
    messages: app.stack.ledger.read().messages,
  };
}

type Sent = readonly [body: string | Uint8Array<ArrayBuffer>, type?: string];

/** Larger than any body of a user may be. */
const tooMuch = JSON.stringify("x".repeat(limits.runInputBytesMax));

const bodies: Readonly<Record<string, readonly [...refused: [status: number, code: string], sent: Sent]>> = {
  "no bytes": [400, "malformed_json", [""]],
  "half of a JSON text": [400, "malformed_json", ['{"a":']],
  "bytes that are no UTF-8": [400, "malformed_json", [new Uint8Array([0x22, 0xff, 0x22])]],
  "a list": [400, "bad_request", ["[]"]],
  null: [400, "bad_request", ["null"]],
  "a text": [400, "bad_request", ['"hello"']],
  "another media type": [415, "unsupported_media_type", ["{}", "text/plain"]],
  "too much": [413, "body_too_large", [tooMuch]],
};

const described: ReadonlyMap<string, (typeof describedRoutes)[number]["description"]> = new Map(
  describedRoutes.map(({ method, path, description }) => [`${method} ${path}`, description]),
);
const taking = Object.keys(routeAccess).filter((route) => described.get(route)?.body !== undefined);
const isDelivered = (route: string): boolean => routeAccess[route]?.by === "queue";

async function refusal(response: Response): Promise<[number, unknown]> {
  const body = (await response.json()) as { code?: unknown };
  return [response.status, body.code];
}

async function send(route: string, path: string, [body, type = "application/json"]: Sent): Promise<[number, unknown]> {
  const [method = ""] = route.split(" ");
  return refusal(await owner.fetch(path, { method, body, headers: { "content-type": type } }));
}

describe("a body that no route takes", () => {
  // Its answers are those of MCP: contract/mcp-server.test.ts.
  const ofUsers = taking.filter((route) => !isDelivered(route) && route !== "POST /api/mcp");

  it.each(Object.entries(bodies))("%s is refused by each that takes one", async (what, [status, code, sent]) => {
    const refused: Record<string, unknown> = {};
    const asked = ofUsers.filter((route) => what !== "no bytes" || described.get(route)?.isBodyOptional !== true);
    for (const route of asked) refused[route] = await send(route, pathOf(route, planted), sent);
    expect(refused).toEqual(Object.fromEntries(asked.map((route) => [route, [status, code]])));
    expect(asked.length).toBeGreaterThan(15);
    expect(await stored()).toEqual(before);
  });

  it.each(takingValues)("%s takes no value that is nested too deep", async (route, body) => {
    const [method = ""] = route.split(" ");
    const sent = owner.post(pathOf(route, planted), body, { method });
    expect(await (await sent).json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining("levels of nesting") as unknown,
    });
    expect(await stored()).toEqual(before);
  });

  it("holds no number that would be kept as null", async () => {
    const path = pathOf("PUT /api/memory/knowledge/:agentId/:key", planted);
    for (const value of ["1e400", '{"a":[-1e999]}']) {
      const headers = { "content-type": "application/json" };
      const response = await owner.fetch(path, { method: "PUT", body: `{"value":${value}}`, headers });
      expect(await response.json()).toMatchObject({
        status: 400,
        detail: expect.stringContaining("too large") as unknown,
      });
    }
    expect(await stored()).toEqual(before);
  });

  it.each(["", "{", "[]", "null", '"hello"', "{}"])("%j, signed by the queue, is never tried again", async (body) => {
    const refused: Record<string, unknown> = {};
    const asked = taking.filter(isDelivered);
    for (const route of asked) refused[route] = (await deliver(app, pathOf(route, planted), body)).status;
    expect(refused).toEqual(Object.fromEntries(asked.map((route) => [route, 489])));
    expect(await stored()).toEqual(before);
  });

  it("that is larger than any delivery is refused unread", async () => {
    const refused: Record<string, unknown> = {};
    const asked = Object.keys(routeAccess).filter(isDelivered);
    const body = "x".repeat(limits.callbackBodyBytesMax + 1);
    for (const route of asked) refused[route] = await refusal(await deliver(app, pathOf(route, planted), body));
    expect(refused).toEqual(Object.fromEntries(asked.map((route) => [route, [413, "body_too_large"]])));
    expect(await stored()).toEqual(before);
  });
});

describe("an id that can be none", () => {
  const impossible = ["%00", "..%2F..%2Fetc", "%7Ba%7D", "a%3Ab", "%25", "x".repeat(300)];

  /** Each parameter of each route once, the others being the owner's. */
  const places = Object.keys(routeAccess).flatMap((route) =>
    isDelivered(route) ? [] : [...route.matchAll(/:(\w+)/g)].map(([, name = ""]) => [route, name] as const),
  );

  it.each(impossible)("%s is not found, wherever it stands", async (id) => {
    const refused: Record<string, unknown> = {};
    // Any text is a key of knowledge but an endless one and one with control characters.
    const asked = places.filter(([, name]) => name !== "key");
    for (const [route, name] of asked) {
      const access = routeAccess[route];
      const at = access?.by === "identity" ? (access.at?.[name] ?? name) : name;
      const path = pathOf(route, { ...planted, [at]: id });
      const body = access?.by === "identity" ? access.body?.(planted) : undefined;
      const [method = ""] = route.split(" ");
      const json = { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      refused[`${route} at ${name}`] = await refusal(
        await owner.fetch(path, { method, ...(body === undefined ? {} : json) }),
      );
    }
    expect(refused).toEqual(
      Object.fromEntries(asked.map(([route, name]) => [`${route} at ${name}`, [404, "not_found"]])),
    );
    expect(await stored()).toEqual(before);
  });

  it.each(["%00", "x".repeat(300)])("%s as a key of knowledge is 400", async (key) => {
    const asked = places.filter(([, name]) => name === "key");
    for (const [route] of asked) {
      const sent: Sent = [JSON.stringify({ value: 1 })];
      const path = pathOf(route, { ...planted, key });
      const got = route.startsWith("GET ") ? await refusal(await owner.fetch(path)) : await send(route, path, sent);
      expect(got, route).toEqual([400, "bad_request"]);
    }
    expect(await stored()).toEqual(before);
  });
});

describe("a query that this server did not give out", () => {
  const cursor = (name: string) =>
    ["x", "%00", "-1", "9".repeat(400)].map((value) => [`${name}=${value}`, "invalid_cursor"]);
  const count = ["0", "-1", "1.5", "x", "9999999999"].map((value) => [`limit=${value}`, "bad_request"]);

  const queries: Readonly<Record<string, readonly (readonly string[])[]>> = {
    "GET /api/conversations/:conversationId/messages": [...cursor("before"), ...count],
    "GET /api/conversations/:conversationId/events": cursor("after"),
    "GET /api/dead-letters": cursor("cursor"),
    "POST /api/dead-letters/:letterId/retry": [],
    "DELETE /api/dead-letters/:letterId": [["compensate=perhaps", "bad_request"]],
    "GET /api/memory/export": cursor("after"),
    "GET /api/memory/knowledge/:agentId": [
      ...count,
      ["q=+", "bad_request"],
      ["q=a&by=smell", "bad_request"],
      [`q=${"x".repeat(limits.searchQueryCharsMax + 1)}`, "bad_request"],
      [`prefix=${"x".repeat(limits.knowledgeKeyCharsMax + 1)}`, "bad_request"],
      ["after=", "invalid_cursor"],
    ],
    "GET /api/runs": cursor("before"),
    "GET /api/runs/:runId/journal": ["x", "-1", "1.5"].map((value) => [`from=${value}`, "invalid_cursor"]),
    "GET /api/runs/:runId/events": cursor("after"),
  };

  it("is tried with each route that takes one", () => {
    const asking = Object.keys(routeAccess).filter((route) => described.get(route)?.query !== undefined);
    expect(asking.filter((route) => !isDelivered(route)).toSorted()).toEqual(Object.keys(queries).toSorted());
  });

  it.each(Object.keys(queries))("is refused by %s", async (route) => {
    const [method = ""] = route.split(" ");
    for (const [query = "", code] of queries[route]!) {
      const response = await owner.fetch(`${pathOf(route, planted)}?${query}`, { method });
      expect(await refusal(response), query).toEqual([400, code]);
    }
    expect(await stored()).toEqual(before);
  });
});
