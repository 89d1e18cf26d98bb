/** Every route of the app × everybody who must not get through it: no identity, expired, ended, of another deployment, without the scope, another's. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { scopes } from "../../src/session/scope.ts";
import { sseEvents } from "../support/sse.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { ownersRequest, pathOf } from "./ask-route.ts";
import { look, plant, plantedRuns, secretWords } from "./planted-things.ts";
import { routeAccess, type Planted, type RouteAccess } from "./route-access.ts";

let app: TestApp;
let owner: TestCaller;
let planted: Planted;

beforeAll(async () => {
  app = await startTestApp({ definitions: plantedRuns });
  owner = await app.signIn();
  planted = await plant(app, owner);
});
afterAll(() => app.close());

const rows = Object.entries(routeAccess);
const ofIdentity = rows.flatMap(([route, access]) => (access.by === "identity" ? [[route, access] as const] : []));
type ByIdentity = Extract<RouteAccess, { by: "identity" }>;

/** Asks for the owner's things. */
async function ask(route: string, as?: TestCaller, things: Planted = planted): Promise<Response> {
  return (as?.fetch ?? app.fetch)(pathOf(route, things), ownersRequest(route, things));
}

async function answerOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { code: string }).code];
}

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
    for (const [route] of ofIdentity) got[route] = await answerOf(await ask(route, claimant));
    expect(got).toEqual(Object.fromEntries(ofIdentity.map(([route]) => [route, [401, "unauthenticated"]])));
  });

  it.each(rows.filter(([, { by }]) => by === "anybody"))("%s answers anybody", async (route) => {
    expect((await ask(route)).status).toBeLessThan(300);
  });
});

describe("without the signature of the queue", () => {
  it.each(rows.filter(([, { by }]) => by === "operator"))("%s answers no user", async (route) => {
    expect((await ask(route)).status).toBe(401);
    expect((await ask(route, owner)).status).toBe(401);
  });

  it.each(rows.filter(([, { by }]) => by === "queue"))("%s answers nobody, whoever they are", async (route) => {
    const inner = { body: "{}", headers: { "content-type": "application/json", "upstash-signature": "e30.e30.e30" } };
    const path = pathOf(route, planted);
    for (const response of [
      await ask(route),
      await ask(route, owner),
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
    expect(await answerOf(await ask(route, caller))).toEqual([403, "insufficient_scope"]);
  });

  it.each(ofIdentity.filter(([, { scope }]) => scope === undefined))("%s needs none", async (route) => {
    expect((await ask(route, await app.signInAs({ scopes: [] }))).status).toBeLessThan(300);
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
      if (access.isStream === true) await (await talk(stranger)).text();
      const response = await ask(route, stranger);
      got[route] = response.status;
      expect(await wordsOf(response, access), route).not.toContain(secretWords);
    }
    expect(got).toEqual(Object.fromEntries(ofIdentity.map(([route, { stranger }]) => [route, stranger])));
    await app.background();
    expect(await look(owner, planted)).toEqual(before);
  });

  const ownWords = "What is 2 + 3?";

  /** Their conversation has the id of the owner's. */
  function talk(stranger: TestCaller): Promise<Response> {
    return stranger.chat(planted["conversationId"]!, "m-own", ownWords);
  }

  /** All that is answered; of a stream what comes until the stranger's own turn has ended. */
  async function wordsOf(response: Response, { isStream }: ByIdentity): Promise<string> {
    if (isStream !== true) return response.text();
    let words = "";
    for await (const { event, data } of sseEvents(response)) {
      words += data;
      if (event === "workflow-completed" && words.includes(ownWords)) break;
    }
    return words;
  }
});

describe("a page of another site, in the browser of the owner", () => {
  const changing = rows.map(([route]) => route).filter((route) => !route.startsWith("GET "));

  it("is refused by every route that changes something, and changes nothing", async () => {
    const victim = await app.signIn();
    const theirs = await plant(app, victim);
    const before = await look(victim, theirs);
    const elsewhere: TestCaller["fetch"] = (path, init) =>
      victim.fetch(path, { ...init, headers: { ...(init?.headers as object), origin: "https://evil.example" } });
    const got: Record<string, unknown> = {};
    for (const route of changing)
      got[route] = await answerOf(await ask(route, { ...victim, fetch: elsewhere }, theirs));
    expect(got).toEqual(Object.fromEntries(changing.map((route) => [route, [403, "forbidden_origin"]])));
    await app.background();
    expect(await look(victim, theirs)).toEqual(before);
  });
});
