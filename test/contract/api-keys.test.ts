/** API keys over the real app: made, used, rotated, ended, and all that they may not. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { appBindings } from "../../stack/app-bindings.ts";
import { redisCommand } from "../support/run-client.ts";
import { chatBody, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let owner: TestCaller;
beforeAll(async () => {
  // So that what is kept can be read here, and keys can have budgets.
  app = await startTestApp({ bindings: { ENCRYPTION_KEYS: "", TOKENS_PER_DAY: "1000000" } });
  owner = await app.signIn();
});
afterAll(() => app.close());

type Shown = Record<string, unknown> & { readonly id: string; readonly key: string; readonly begins: string };

interface KeptKey {
  readonly secrets: readonly { readonly hash: string; readonly expiresAtMs?: number }[];
}

async function makeKey(draft: object = {}, by: TestCaller = owner): Promise<Shown> {
  const response = await by.post("/api/keys", { name: "Robot", scopes: ["chat", "runs"], ...draft });
  expect(response.status).toBe(201);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  return (await response.json()) as Shown;
}

const bearer = (key: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${key}`, ...more });
const current = (headers: Record<string, string>) => app.fetch("/api/sessions/current", { headers });
const who = async (headers: Record<string, string>) =>
  (await (await current(headers)).json()) as Record<string, unknown>;

/** An operator of a tenant. */
function operator(tenant: string): TestCaller {
  const key = appBindings(app.stack, app.url)["INTERNAL_SYSTEM_KEY"]!;
  const headers = { "x-internal-key": key, "x-tenant": tenant };
  const ask = (path: string, init: RequestInit = {}) =>
    app.fetch(path, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } });
  const json = { "content-type": "application/json" };
  return {
    ...owner,
    fetch: ask,
    post: (path, body) => ask(path, { method: "POST", body: JSON.stringify(body), headers: json }),
  };
}

describe("an API key", () => {
  it("is shown once, kept as a hash, and known by how it begins", async () => {
    const fresh = await app.signIn();
    const { key, ...rest } = await makeKey({ expiresInDays: 30, tokensPerDay: 1_000 }, fresh);
    expect(key).toMatch(/^sk_[\w-]{140}$/);
    expect(key.startsWith(rest.begins)).toBe(true);
    const { keys } = (await (await fresh.fetch("/api/keys")).json()) as { keys: unknown[] };
    expect(keys).toEqual([rest]);
    expect(rest).toMatchObject({ name: "Robot", scopes: ["chat", "runs"], actsForUsers: false, tokensPerDay: 1_000 });
    const kept = JSON.stringify(await redisCommand(app.stack, ["HGETALL", `keys:{${fresh.userId}}`]));
    expect(kept).not.toContain(key.slice(90, 120));
    expect(kept).toMatch(/"hash\\":\\"[0-9a-f]{64}/);
  });

  it("is its owner, with its own scopes, and chats in as few commands as a session does", async () => {
    const { key } = await makeKey();
    expect(await who(bearer(key))).toEqual({ userId: owner.userId, tenant: "guest", scopes: ["chat", "runs"] });
    const headers = bearer(key, { "content-type": "application/json" });
    expect((await app.fetch("/api/agents", { headers })).status).toBe(403);
    app.rebind({ TOKENS_PER_DAY: "" });
    app.stack.model.script({ kind: "reply", text: "Hi." });
    await (await owner.chat("has-the-scripts-known", "m-1", "Hello")).text();
    await app.background();
    for (const messageId of ["m-1", "m-2"]) {
      app.stack.model.script({ kind: "reply", text: "Hi." });
      app.stack.ledger.reset();
      const body = JSON.stringify(chatBody("by-key", messageId, "Hello"));
      expect(await (await app.fetch("/api/chat", { method: "POST", headers, body })).text()).toContain("Hi.");
      await app.background();
      expect(app.stack.ledger.read().commands).toBeLessThanOrEqual(16);
    }
    app.rebind({ TOKENS_PER_DAY: "1000000" });
    expect((await owner.fetch("/api/conversations/by-key")).status).toBe(200);
  });

  it("is over as soon as it is removed", async () => {
    const { id, key } = await makeKey();
    expect((await owner.fetch(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(204);
    const response = await current(bearer(key));
    expect([response.status, await response.json()]).toMatchObject([401, { code: "unauthenticated" }]);
    expect((await owner.fetch(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(404);
  });

  it("is over at its end", async () => {
    const { id, key } = await makeKey({ expiresInDays: 1 });
    expect((await current(bearer(key))).status).toBe(200);
    const field = ["HGET", `keys:{${owner.userId}}`, id];
    const kept = JSON.parse(String(await redisCommand(app.stack, field))) as object;
    const past = JSON.stringify({ ...kept, expiresAtMs: Date.now() - 1 });
    await redisCommand(app.stack, ["HSET", `keys:{${owner.userId}}`, id, past]);
    expect((await current(bearer(key))).status).toBe(401);
  });

  it("is refused with any single character changed, without asking the storage for it", async () => {
    const { key } = await makeKey();
    app.stack.ledger.reset();
    for (let index = 0; index < key.length; index += 3) {
      const changed = key.slice(0, index) + (key[index] === "a" ? "b" : "a") + key.slice(index + 1);
      expect((await current(bearer(changed))).status, `character ${index}`).toBe(401);
    }
    expect(app.stack.ledger.read().byCommand["HGET"] ?? 0).toBe(0);
  });

  it.each(["sk_", "sk_AAAA", `sk_${"A".repeat(140)}`, `sk_${"A".repeat(8_000)}`, "sk_é"])(
    "is not %.12s…",
    async (key) => {
      const headers = new Headers([["authorization", Buffer.from(`Bearer ${key}`).toString("latin1")]]);
      expect((await current(Object.fromEntries(headers))).status).toBe(401);
    },
  );

  it("of another deployment is refused", async () => {
    const other = await startTestApp({ bindings: { SESSION_SECRET: "another deployment's secret, long enough" } });
    const caller = await other.signIn();
    const { key } = await makeKey({}, caller);
    expect((await current(bearer(key))).status).toBe(401);
    await other.close();
  });

  it("opens no session, and is not taken where a token is wanted", async () => {
    const { key } = await makeKey({ scopes: ["account"] });
    const opened = await app.fetch("/api/sessions", { method: "POST", headers: bearer(key) });
    expect([opened.status, opened.headers.get("Set-Cookie")]).toEqual([401, null]);
    expect(await opened.json()).toMatchObject({ detail: expect.stringContaining("opens no session") });
  });
});

describe("rotating a key", () => {
  const rotate = (id: string, body?: object) =>
    body === undefined
      ? owner.fetch(`/api/keys/${id}/rotate`, { method: "POST" })
      : owner.post(`/api/keys/${id}/rotate`, body);

  it("gives a new one, while the one before works until its stated end", async () => {
    const before = await makeKey();
    const answer = await rotate(before.id, { overlapSeconds: 3_600 });
    const after = (await answer.json()) as Shown & { earlierUntil: string[] };
    expect([answer.status, after.id, after.begins]).toEqual([200, before.id, before.begins]);
    expect(Date.parse(after.earlierUntil[0]!) - Date.now()).toBeGreaterThan(3_500_000);
    expect((await current(bearer(before.key))).status).toBe(200);
    expect((await current(bearer(after.key))).status).toBe(200);
    const last = (await (await rotate(before.id, { overlapSeconds: 0 })).json()) as Shown & { earlierUntil: string[] };
    expect((await current(bearer(after.key))).status).toBe(401);
    expect((await current(bearer(before.key))).status).toBe(200);
    expect(last.earlierUntil).toEqual(after.earlierUntil);
    expect((await current(bearer(last.key))).status).toBe(200);
  });

  it("ends the one before at the stated end, and the new one goes on", async () => {
    const before = await makeKey();
    const after = (await (await rotate(before.id, { overlapSeconds: 3_600 })).json()) as Shown;
    expect((await current(bearer(before.key))).status).toBe(200);
    // The end comes: the record stays as it is, for no other change removes what has ended.
    const field = [`keys:{${owner.userId}}`, before.id];
    const kept = JSON.parse(String(await redisCommand(app.stack, ["HGET", ...field]))) as KeptKey;
    const secrets = kept.secrets.map((each) => ("expiresAtMs" in each ? { ...each, expiresAtMs: Date.now() } : each));
    expect(secrets.filter(({ expiresAtMs }) => expiresAtMs !== undefined)).toHaveLength(1);
    await redisCommand(app.stack, ["HSET", ...field, JSON.stringify({ ...kept, secrets })]);
    expect((await current(bearer(before.key))).status).toBe(401);
    expect((await current(bearer(after.key))).status).toBe(200);
  });

  it("twice at once leaves one new secret that works, and says so to the other", async () => {
    const { id } = await makeKey();
    const answers = await Promise.all([rotate(id), rotate(id)]);
    const working = answers.filter(({ status }) => status === 200);
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([]);
    for (const answer of working) {
      expect((await current(bearer(((await answer.json()) as Shown).key))).status).toBe(200);
    }
  });

  it("stops while four of its secrets still work", async () => {
    const { id } = await makeKey();
    for (let count = 1; count < limits.keySecretsMax; count += 1) expect((await rotate(id)).status).toBe(200);
    expect((await rotate(id)).status).toBe(409);
    expect((await rotate("key_0000000000000000")).status).toBe(404);
    expect((await rotate(id, { overlapSeconds: limits.keyOverlapSecondsMax + 1 })).status).toBe(400);
  });
});

describe("a key in the name of users", () => {
  it("acts for whoever it names of its tenant, each with things of their own", async () => {
    const { key } = await makeKey({ actsForUsers: true }, operator("acme"));
    const alice = await who(bearer(key, { "x-act-as": "alice" }));
    const bob = await who(bearer(key, { "x-act-as": "bob" }));
    expect(alice["userId"]).not.toBe(bob["userId"]);
    expect(await who(bearer(key, { "x-act-as": "alice" }))).toEqual(alice);
    const elsewhere = await makeKey({ actsForUsers: true }, operator("other"));
    const theirAlice = await who(bearer(elsewhere.key, { "x-act-as": "alice" }));
    expect(theirAlice["userId"]).not.toBe(alice["userId"]);
    expect(theirAlice["tenant"]).not.toBe(alice["tenant"]);
    const json = { "content-type": "application/json" };
    const run = await app.fetch("/api/execute", {
      method: "POST",
      headers: bearer(key, { "x-act-as": "alice", "Idempotency-Key": "a", ...json }),
      body: JSON.stringify({
        name: "book-dinner",
        input: { city: "Lyon", partySize: 2, at: "2027-01-01T19:00:00Z", guest: "Ada" },
      }),
    });
    const { runId } = (await run.json()) as { runId: string };
    expect((await app.fetch(`/api/runs/${runId}`, { headers: bearer(key, { "x-act-as": "alice" }) })).status).toBe(200);
    expect((await app.fetch(`/api/runs/${runId}`, { headers: bearer(key, { "x-act-as": "bob" }) })).status).toBe(404);
    expect((await app.fetch(`/api/runs/${runId}`, { headers: bearer(key) })).status).toBe(404);
    await app.background();
  });

  it.each(["", "x".repeat(256)])("acts for nobody who is called %.10j", async (name) => {
    const { key } = await makeKey({ actsForUsers: true }, operator("acme"));
    expect((await current(bearer(key, { "x-act-as": name }))).status).toBe(401);
  });

  it("is made only by who may do everything", async () => {
    const response = await owner.post("/api/keys", { name: "Robot", scopes: ["chat"], actsForUsers: true });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, "insufficient_scope"]);
  });

  it("is asked of nothing else: a session, or another key, that claims to act for somebody is refused", async () => {
    const { key } = await makeKey();
    expect((await current(bearer(key, { "x-act-as": "alice" }))).status).toBe(401);
    expect((await owner.fetch("/api/sessions/current", { headers: { "x-act-as": "alice" } })).status).toBe(401);
  });

  it("is made by nobody who guesses the operators' key", async () => {
    const headers = { "x-internal-key": "a-guess-of-thirty-two-characters", "x-tenant": "acme" };
    expect((await current(headers)).status).toBe(401);
  });
});

describe("a key that is asked for", () => {
  it.each([
    ["without a name", { name: " " }],
    ["with a name over the limit", { name: "n".repeat(limits.keyNameCharsMax + 1) }],
    ["without scopes", { scopes: [] }],
    ["with a scope that does not exist", { scopes: ["root"] }],
    ["that has ended before it began", { expiresInDays: 0 }],
    ["that ends beyond the limit", { expiresInDays: limits.keyDaysMax + 1 }],
    ["with no tokens", { tokensPerDay: 0 }],
    ["with a field that is not known", { secret: "mine" }],
  ])("%s is 400", async (_what, draft) => {
    const response = await owner.post("/api/keys", { name: "Robot", scopes: ["chat"], ...draft });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, "bad_request"]);
  });

  it("with more than its maker may do is 403, also by a key", async () => {
    expect((await owner.post("/api/keys", { name: "Robot", scopes: ["admin"] })).status).toBe(403);
    const { key } = await makeKey({ scopes: ["account"], tokensPerDay: 10 });
    const ask = (scopes: string[], tokensPerDay?: number) =>
      app.fetch("/api/keys", {
        method: "POST",
        headers: bearer(key, { "content-type": "application/json" }),
        body: JSON.stringify({ name: "Child", scopes, tokensPerDay }),
      });
    expect((await ask(["chat"])).status).toBe(403);
    expect(await (await ask(["account"], 1_000)).json()).toMatchObject({ tokensPerDay: 10 });
  });

  it("beyond what a user may have is 409", async () => {
    const fresh = await app.signIn();
    for (let count = 0; count < limits.keysPerUserMax; count += 1) await makeKey({}, fresh);
    const response = await fresh.post("/api/keys", { name: "Robot", scopes: ["chat"] });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([409, "too_many"]);
  });
});
