/** Every route of the app × everybody who must not get through it: no identity, expired, ended, of another deployment, without the scope, another's. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { scopes } from "../../src/session/scope.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";
import { look, plant, secretWords } from "./planted-things.ts";
import { routeAccess, type Planted, type RouteAccess } from "./route-access.ts";

let app: TestApp;
let owner: TestCaller;
let planted: Planted;

beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo] });
  owner = await app.signIn();
  planted = await plant(app, owner);
});
afterAll(() => app.close());

const rows = Object.entries(routeAccess);
const ofIdentity = rows.flatMap(([route, access]) => (access.by === "identity" ? [[route, access] as const] : []));
type ByIdentity = Extract<RouteAccess, { by: "identity" }>;

function pathOf(route: string): string {
  return route.split(" ")[1]!.replace(/:(\w+)/g, (_, name: string) => {
    const value = planted[name];
    if (value === undefined) throw new Error(`test/contract/planted-things.ts makes nothing for :${name} of ${route}`);
    return value;
  });
}

/** Asks for the owner's things. */
async function ask(route: string, access: RouteAccess, as?: TestCaller): Promise<Response> {
  const [method = ""] = route.split(" ");
  const path = pathOf(route);
  const body = access.by === "identity" ? access.body?.(planted) : undefined;
  const json = { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return (as?.fetch ?? app.fetch)(path, { method, ...(body === undefined ? {} : json) });
}

async function answerOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { code: string }).code];
}

describe("the table", () => {
  it("has a row for each route, and no row without one", () => {
    const routes = new Set(
      app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`),
    );
    const missing = [...routes].filter((route) => routeAccess[route] === undefined);
    const stale = rows.map(([route]) => route).filter((route) => !routes.has(route));
    expect(missing, "add a row for each of these to test/contract/route-access.ts, see its head").toEqual([]);
    expect(stale, "these rows of test/contract/route-access.ts have no route").toEqual([]);
  });
});

describe("without a valid identity", () => {
  const monthAgo = { now: () => Date.now() - (limits.sessionTtlSeconds + 60) * 1000 };
  const claimants: [string, () => Promise<TestCaller | undefined>][] = [
    ["nobody", async () => undefined],
    ["a forged cookie", async () => app.callerOf("session=usr_0123456789abcdef0123456789abcdef.x.9999999999.AAAA")],
    ["an expired session", () => app.signInAs({}, { clock: monthAgo })],
    ["an ended session", () => endedSession()],
    ["a session of another deployment", () => app.signInAs({}, { secret: "another deployment's secret, long enough" })],
  ];

  async function endedSession(): Promise<TestCaller> {
    const caller = await app.signIn();
    await caller.fetch("/api/sessions/current", { method: "DELETE" });
    return caller;
  }

  it.each(claimants)("%s gets through no route that asks for one", async (_who, claim) => {
    const claimant = await claim();
    const got: Record<string, unknown> = {};
    for (const [route, access] of ofIdentity) got[route] = await answerOf(await ask(route, access, claimant));
    expect(got).toEqual(Object.fromEntries(ofIdentity.map(([route]) => [route, [401, "unauthenticated"]])));
  });

  it.each(rows.filter(([, { by }]) => by === "anybody"))("%s answers anybody", async (route, access) => {
    expect((await ask(route, access)).status).toBeLessThan(300);
  });
});

describe("without the signature of the queue", () => {
  it.each(rows.filter(([, { by }]) => by === "operator"))("%s answers no user", async (route, access) => {
    expect((await ask(route, access)).status).toBe(401);
    expect((await ask(route, access, owner)).status).toBe(401);
  });

  it.each(rows.filter(([, { by }]) => by === "queue"))("%s answers nobody, whoever they are", async (route, access) => {
    const inner = { body: "{}", headers: { "content-type": "application/json", "upstash-signature": "e30.e30.e30" } };
    const path = pathOf(route);
    for (const response of [
      await ask(route, access),
      await ask(route, access, owner),
      await app.fetch(path, { method: "POST", ...inner }),
      await app.fetch(path, {
        method: "POST",
        body: "{}",
        headers: { "x-internal-key": "a-guess-of-thirty-two-characters" },
      }),
    ]) {
      expect([401, 403]).toContain(response.status);
    }
  });
});

describe("without the scope", () => {
  it.each(ofIdentity.filter(([, { scope }]) => scope !== undefined))("%s is 403", async (route, access) => {
    const others = scopes.filter((scope) => scope !== access.scope);
    const caller = await app.signInAs({ scopes: others });
    expect(await answerOf(await ask(route, access, caller))).toEqual([403, "insufficient_scope"]);
  });

  it.each(ofIdentity.filter(([, { scope }]) => scope === undefined))("%s needs none", async (route, access) => {
    expect((await ask(route, access, await app.signInAs({ scopes: [] }))).status).toBeLessThan(300);
  });
});

describe("a stranger who asks for the owner's things", () => {
  const strangers: [string, () => Promise<TestCaller>][] = [
    ["another user", () => app.signIn()],
    ["a user of another tenant, who may do everything there", () => app.signInAs({ tenant: "other", scopes })],
  ];

  it.each(strangers)("%s gets none of them, and changes none", { timeout: 60_000 }, async (_who, signIn) => {
    const before = await look(owner, planted);
    expect(JSON.stringify(before)).toContain(secretWords);
    const got: Record<string, number> = {};
    for (const [route, access] of ofIdentity) {
      const stranger = await signIn();
      const response = await ask(route, access, stranger);
      got[route] = response.status;
      expect(await wordsOf(response, access), route).not.toContain(secretWords);
    }
    expect(got).toEqual(Object.fromEntries(ofIdentity.map(([route, { stranger }]) => [route, stranger])));
    await app.background();
    expect(await look(owner, planted)).toEqual(before);
  });

  async function wordsOf(response: Response, { isStream }: ByIdentity): Promise<string> {
    if (isStream !== true) return response.text();
    await response.body?.cancel();
    return "";
  }
});
