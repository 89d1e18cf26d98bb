/** The ways in over the real app: a session, a bearer token, and both at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { userScopes } from "../../src/session/scope.ts";
import { LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import { testProvider, type TestProvider } from "../support/identity-provider.ts";
import { serveFetch, type ServedFetch } from "../support/serve-fetch.ts";
import { chatBody, startTestApp, type TestApp } from "../support/test-app.ts";

let app: TestApp;
let their: TestProvider;
let keys: ServedFetch;
let isDown = false;

beforeAll(async () => {
  their = await testProvider();
  keys = await serveFetch(async () => (isDown ? new Response("down", { status: 500 }) : Response.json(their.jwks)));
  app = await startTestApp({
    bindings: {
      AUTH_ISSUER: their.issuer,
      AUTH_AUDIENCE: their.audience,
      AUTH_JWKS_URL: keys.url,
      AUTH_ALGORITHM: "ES256",
      AUTH_TENANT_CLAIM: "org",
    },
  });
});
afterAll(async () => {
  await app.close();
  await keys.close();
});

const tokenOf = (sub: string, more = {}): Promise<string> => their.sign({ sub, org: "acme", ...more });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function whoIs(headers: Record<string, string>): Promise<Record<string, unknown>> {
  return (await (await app.fetch("/api/sessions/current", { headers })).json()) as Record<string, unknown>;
}

describe("what is presented and does not hold", () => {
  it.each([
    ["a user to act as, without a key", { "x-act-as": "bob" }],
    ["an operators' key that is none, for a tenant", { "x-internal-key": "x".repeat(40), "x-tenant": "acme" }],
    ["no scheme of tokens", { authorization: "Basic YTpi" }],
  ])("opens no guest's session: %s", async (_what, headers) => {
    const opened = await app.fetch("/api/sessions", { method: "POST", headers });
    expect([opened.status, opened.headers.get("Set-Cookie")]).toEqual([401, null]);
  });
});

describe("a bearer token", () => {
  it("is its user, without a session, and chats in as few commands as a session does", async () => {
    const headers = { ...bearer(await tokenOf("alice")), "content-type": "application/json" };
    expect(await whoIs(headers)).toEqual({
      userId: expect.stringMatching(/^usr_/),
      tenant: expect.stringMatching(/^tnt_/),
      scopes: userScopes,
    });
    app.stack.model.script({ kind: "reply", text: "Hi." });
    await (await (await app.signIn()).chat("has-the-scripts-known", "m-1", "Hello")).text();
    await app.background();
    for (const messageId of ["m-1", "m-2"]) {
      app.stack.model.script({ kind: "reply", text: "Hi." });
      app.stack.ledger.reset();
      const body = JSON.stringify(chatBody("by-token", messageId, "Hello"));
      expect(await (await app.fetch("/api/chat", { method: "POST", headers, body })).text()).toContain("Hi.");
      await app.background();
      expect(app.stack.ledger.read().commands).toBeLessThanOrEqual(16);
    }
    const messages = await app.fetch("/api/conversations/by-token/messages", { headers });
    expect(((await messages.json()) as { messages: unknown[] }).messages).toHaveLength(4);
    const stranger = await app.fetch("/api/conversations/by-token", { headers: bearer(await tokenOf("mallory")) });
    expect(stranger.status).toBe(404);
    const otherTenant = bearer(await tokenOf("alice", { org: "other" }));
    expect((await app.fetch("/api/conversations/by-token", { headers: otherTenant })).status).toBe(404);
  });

  it("is let through uncounted while Redis is down where nothing stored is needed, and starts no turn and makes no agent", async () => {
    const headers = { ...bearer(await tokenOf("patient")), "content-type": "application/json" };
    const post = (path: string, body: unknown) =>
      app.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    await whoIs(headers);
    app.stack.faults.add({ server: "redis", action: "drop-before" });
    app.stack.ledger.reset();
    const current = await app.fetch("/api/sessions/current", { headers });
    const [turn, agent] = [
      await post("/api/chat", chatBody("c", "m", "Hello")),
      await post("/api/agents", { name: "A" }),
    ];
    await app.background();
    app.stack.faults.clear();
    expect([current.status, current.headers.get("RateLimit")]).toEqual([200, null]);
    expect(await current.json()).toMatchObject({ tenant: expect.stringMatching(/^tnt_/) });
    for (const refused of [turn, agent]) {
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, "redis_unavailable"]);
    }
    expect(app.stack.ledger.read().modelCalls).toBe(0);
  });

  it("is counted for its user", async () => {
    const headers = bearer(await tokenOf("counted"));
    const left = async () =>
      Number((await app.fetch("/api/sessions/current", { headers })).headers.get("X-RateLimit-Remaining"));
    expect((await left()) - (await left())).toBe(1);
  });

  it.each([
    ["forged", async () => `${(await tokenOf("alice")).slice(0, -6)}AAAAAA`, "is not valid here"],
    ["expired", () => tokenOf("alice", { exp: 1 }), "has expired"],
    ["without a tenant", () => their.sign({ sub: "alice" }), "is not valid here"],
  ])("that is %s is 401, which says so and names the way in", async (_what, make, words) => {
    const response = await app.fetch("/api/sessions/current", { headers: bearer(await make()) });
    expect([response.status, response.headers.get("WWW-Authenticate")]).toEqual([401, "Bearer"]);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect([code, detail]).toEqual(["unauthenticated", expect.stringContaining(words)]);
  });

  it.each(["Basic YTpi", "Bearer", "Bearer a b", "token"])("is not read from %j", async (authorization) => {
    expect((await app.fetch("/api/sessions/current", { headers: { authorization } })).status).toBe(401);
  });
});

describe("a user", () => {
  it("is the same by a token, by the session that it opens, and by a key that acts in their name", async () => {
    const carol = await whoIs(bearer(await tokenOf("carol")));
    const opened = await app.fetch("/api/sessions", { method: "POST", headers: bearer(await tokenOf("carol")) });
    const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
    const draft = { name: "Robot", scopes: ["account"], actsForUsers: true };
    const made = await app.fetch("/api/keys", {
      method: "POST",
      headers: { "x-internal-key": LOCAL_INTERNAL_KEY, "x-tenant": "acme", "content-type": "application/json" },
      body: JSON.stringify(draft),
    });
    const { key } = (await made.json()) as { key: string };
    const { userId, tenant } = carol;
    expect(await whoIs({ cookie })).toMatchObject({ userId, tenant });
    expect(await whoIs({ ...bearer(key), "x-act-as": "carol" })).toMatchObject({ userId, tenant, scopes: ["account"] });
    expect(await whoIs({ ...bearer(key), "x-act-as": "bob" })).not.toMatchObject({ userId });
  });
});

describe("two identities at once", () => {
  it("count as the bearer's: a cookie only comes along", async () => {
    const { cookie, userId } = await app.signIn();
    const token = await tokenOf("alice");
    const alice = await whoIs(bearer(token));
    expect(alice["userId"]).not.toBe(userId);
    expect(await whoIs({ ...bearer(token), cookie })).toEqual(alice);
  });

  it("are 401 when the bearer does not hold, whatever the cookie is", async () => {
    const { cookie } = await app.signIn();
    const response = await app.fetch("/api/sessions/current", { headers: { ...bearer("made-up"), cookie } });
    expect(response.status).toBe(401);
  });
});

describe("a session in exchange for a token", () => {
  it("is the token's user, tenant and scopes, and needs the token no more", async () => {
    const token = await tokenOf("alice", { scope: "skipstone:chat skipstone:account" });
    const opened = await app.fetch("/api/sessions", { method: "POST", headers: bearer(token) });
    expect(opened.status).toBe(201);
    const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
    const alice = await whoIs(bearer(token));
    expect(await whoIs({ cookie })).toEqual(alice);
    expect(alice["scopes"]).toEqual(["chat", "account"]);
    const { sessions } = (await (await app.fetch("/api/sessions", { headers: bearer(token) })).json()) as {
      sessions: { isCurrent: boolean }[];
    };
    expect(sessions.map(({ isCurrent }) => isCurrent)).toEqual([false]);
    expect((await app.fetch("/api/runs", { headers: { cookie } })).status).toBe(403);
  });

  it("is not opened by a token that does not hold, not even for a guest", async () => {
    const opened = await app.fetch("/api/sessions", { method: "POST", headers: bearer("made-up") });
    expect([opened.status, opened.headers.get("Set-Cookie")]).toEqual([401, null]);
  });
});

describe("an identity provider that is down", () => {
  it("is 503 for tokens of a key that is not known, while sessions and known keys go on", async () => {
    const known = await tokenOf("alice");
    const { cookie } = await app.signIn();
    await whoIs(bearer(known));
    isDown = true;
    expect((await whoIs(bearer(known)))["userId"]).toBeDefined();
    expect((await whoIs({ cookie }))["userId"]).toBeDefined();
    const fresh = await startTestApp({
      bindings: { AUTH_ISSUER: their.issuer, AUTH_AUDIENCE: their.audience, AUTH_JWKS_URL: `${keys.url}/other` },
    });
    const response = await fresh.fetch("/api/sessions/current", { headers: bearer(known) });
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "6"]);
    await fresh.close();
    isDown = false;
  });
});
