/** The edge over fakes: middleware, sessions, tools and operations, by `app.request`. */
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { ConfigError } from "../../src/config.ts";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { createMeter } from "../../src/core/meter.ts";
import { Secret } from "../../src/core/secret.ts";
import { createEndedCredentials } from "../../src/limit/ended-credentials.ts";
import type { EdgeWire } from "../../src/http/edge-wire.ts";
import type { Answering } from "../../src/wire/answering.ts";
import { readPresented } from "../../src/session/claims.ts";
import { userScopes } from "../../src/session/scope.ts";
import type { RateLimitBinding } from "../../src/http/middleware/first-gate.ts";
import { createApiKeys } from "../../src/session/api-keys.ts";
import { createSessions } from "../../src/session/sessions.ts";
import { createSigner } from "../../src/session/signer.ts";
import { createTickets } from "../../src/session/tickets.ts";
import { systemRandom } from "../../src/system/random.ts";
import { builtInTools } from "../../src/tool/built-in.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import type { Wire } from "../../src/wire.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryApiKeyStore } from "../fakes/memory-api-key-store.ts";
import { memoryRateLimiter } from "../fakes/memory-rate-limiter.ts";
import { memorySessionStore } from "../fakes/memory-session-store.ts";

const env = { LOG_LEVEL: "error" } as unknown as Env;

function rig(more: Partial<EdgeWire> = {}) {
  const clock = manualClock();
  const store = memorySessionStore(clock);
  const limiter = memoryRateLimiter(clock);
  const parts = { signer: createSigner(new Secret("0123456789abcdef0123456789abcdef")), clock, random: systemRandom };
  const sessions = createSessions({ ...parts, store });
  const keys = createApiKeys({ ...parts, store: memoryApiKeyStore() });
  const tickets = createTickets({ ...parts, store: { put: async () => {} } });
  const nobody = async () => ({ kind: "forged" as const });
  const { claim: session } = sessions;
  const readers = { session, key: keys.claim, ticket: tickets.claim, operator: nobody, token: undefined };
  const extending = ({ isRenewalDue }: { isRenewalDue: boolean }) => (isRenewalDue ? clock.now() : undefined);
  const wire: EdgeWire & { answering: () => Promise<Pick<Answering, "tools">> } = {
    clock,
    meter: createMeter(),
    sessions,
    keys,
    tickets,
    readClaim: (presented) => readPresented(readers, presented),
    gate: {
      pass: async ({ claim, limiter: name, caller }) => ({
        identity: claim.kind === "session" ? await store.read(claim.ref, extending(claim)) : undefined,
        limit: await limiter.take(name, caller),
      }),
    },
    ended: createEndedCredentials(),
    answering: () => Promise.resolve({ tools: createToolRegistry(builtInTools) }),
    pingStorage: async () => {},
    verifyDelivery: async () => false,
    internalKey: new Secret("an-internal-key-of-more-than-32-chars"),
    queueName: "fetch",
    appUrl: "https://chat.example.com",
    ...more,
  };
  const app = createApp(() => wire as unknown as Wire);
  const request = async (method: string, url: string, headers: Record<string, string> = {}, bindings = {}) =>
    app.request(url, { method, headers }, { ...env, ...bindings });
  return { clock, request, sessions };
}

const cookieText = (setCookie: string | null): string => setCookie?.split(";")[0] ?? "";
const cookieOf = (response: Response): string => cookieText(response.headers.get("Set-Cookie"));

async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

describe("a session over HTTP", () => {
  it("is opened, read and ended", async () => {
    const { request } = rig();
    const opened = await request("POST", "/api/sessions");
    const { userId, expiresAt } = await bodyOf(opened);
    expect(opened.status).toBe(201);
    expect(Date.parse(String(expiresAt))).toBe(1_800_000_000_000 + limits.sessionTtlSeconds * 1000);
    const headers = { Cookie: cookieOf(opened) };
    const read = await request("GET", "/api/sessions/current", headers);
    expect([read.status, await bodyOf(read)]).toEqual([200, { userId, tenant: "guest", scopes: userScopes }]);
    const ended = await request("DELETE", "/api/sessions/current", headers);
    expect(ended.status).toBe(204);
    expect(ended.headers.get("Set-Cookie")).toMatch(/^session=;.*Max-Age=0/);
    expect((await request("GET", "/api/sessions/current", headers)).status).toBe(401);
    expect((await request("DELETE", "/api/sessions/current", headers)).status).toBe(204);
  });

  it("has a cookie that scripts cannot read and other sites do not send", async () => {
    const { request } = rig();
    const onHttp = (await request("POST", "http://localhost/api/sessions")).headers.get("Set-Cookie");
    expect(onHttp).toMatch(/^session=usr_/);
    expect(onHttp).toMatch(/HttpOnly/);
    expect(onHttp).toMatch(/SameSite=Lax/);
    expect(onHttp).toMatch(/Path=\//);
    expect(onHttp).not.toMatch(/Secure/);
    const onHttps = (await request("POST", "https://chat.example.com/api/sessions")).headers.get("Set-Cookie");
    expect(onHttps).toMatch(/^__Host-session=usr_.*Secure/);
    // Any host beside ours could have set the plain name.
    const current = "https://chat.example.com/api/sessions/current";
    const [host, plain] = [cookieText(onHttps), cookieText(onHttps).replace("__Host-", "")];
    expect((await request("GET", current, { Cookie: host })).status).toBe(200);
    expect((await request("GET", current, { Cookie: plain })).status).toBe(401);
  });

  it("without a cookie, or with a forged one, is a 401 problem", async () => {
    const { request } = rig();
    for (const headers of [{}, { Cookie: "session=usr_x.y.9999999999.z" }] as Record<string, string>[]) {
      const response = await request("GET", "/api/sessions/current", headers);
      expect(response.status).toBe(401);
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(await bodyOf(response)).toMatchObject({ code: "unauthenticated", status: 401 });
    }
  });

  it("in use gets a fresh cookie after an hour, not before, and works past the first one's end", async () => {
    const { clock, request } = rig();
    const first = cookieOf(await request("POST", "/api/sessions"));
    expect((await request("GET", "/api/sessions/current", { Cookie: first })).headers.get("Set-Cookie")).toBeNull();
    await clock.advance(60 * 60 * 1000 - 1000);
    expect((await request("GET", "/api/sessions/current", { Cookie: first })).headers.get("Set-Cookie")).toBeNull();
    await clock.advance(20 * 24 * 60 * 60 * 1000);
    const second = cookieOf(await request("GET", "/api/sessions/current", { Cookie: first }));
    await clock.advance(20 * 24 * 60 * 60 * 1000);
    expect((await request("GET", "/api/sessions/current", { Cookie: first })).status).toBe(401);
    expect((await request("GET", "/api/sessions/current", { Cookie: second })).status).toBe(200);
  });
});

describe("the sessions of a user", () => {
  it("are listed and ended, one by one and all at once", async () => {
    const { request, sessions } = rig();
    const first = cookieOf(await request("POST", "/api/sessions"));
    const userId = String((await bodyOf(await request("GET", "/api/sessions/current", { Cookie: first })))["userId"]);
    const identity = { userId, tenant: "guest", scopes: userScopes };
    const others = [await sessions.open(identity), await sessions.open(identity)].map(
      ({ token }) => `session=${token}`,
    );
    const listed = async () =>
      (await bodyOf(await request("GET", "/api/sessions", { Cookie: first })))["sessions"] as {
        id: string;
        isCurrent: boolean;
      }[];
    expect((await listed()).filter(({ isCurrent }) => isCurrent)).toHaveLength(1);
    expect(await listed()).toHaveLength(3);
    const { id } = (await listed()).find(({ isCurrent }) => !isCurrent)!;
    expect((await request("DELETE", `/api/sessions/${id}`, { Cookie: first })).status).toBe(204);
    expect((await request("DELETE", `/api/sessions/${id}`, { Cookie: first })).status).toBe(404);
    expect(await listed()).toHaveLength(2);
    const ended = await request("DELETE", "/api/sessions", { Cookie: first });
    expect([await bodyOf(ended), ended.headers.get("Set-Cookie")]).toEqual([
      { ended: 2 },
      expect.stringMatching(/^session=;.*Max-Age=0/),
    ]);
    for (const cookie of [first, ...others]) {
      expect((await request("GET", "/api/sessions/current", { Cookie: cookie })).status).toBe(401);
    }
  });
});

describe("the rate limit", () => {
  it("says where the caller stands, then refuses with the time to wait", async () => {
    const { request } = rig();
    const headers = { "CF-Connecting-IP": "192.0.2.1" };
    const first = await request("POST", "/api/sessions", headers);
    expect(first.headers.get("RateLimit-Policy")).toBe('"api";q=100;w=60');
    expect(first.headers.get("RateLimit")).toBe('"api";r=99;t=60');
    expect(first.headers.get("X-RateLimit-Limit")).toBe("100");
    expect(first.headers.get("X-RateLimit-Remaining")).toBe("99");
    expect(Number(first.headers.get("X-RateLimit-Reset"))).toBe(1_800_000_060);
    for (let left = 99; left > 0; left -= 1) await request("POST", "/api/sessions", headers);
    const refused = await request("POST", "/api/sessions", headers);
    expect(refused.status).toBe(429);
    expect(await bodyOf(refused)).toMatchObject({ code: "rate_limited" });
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(refused.headers.get("RateLimit")).toBe('"api";r=0;t=60');
    expect(refused.headers.get("X-RateLimit-Remaining")).toBe("0");
    expect((await request("POST", "/api/sessions", { "CF-Connecting-IP": "192.0.2.2" })).status).toBe(201);
  });
});

describe("the first gate", () => {
  function gated(limit: RateLimitBinding["limit"]) {
    const asked: string[] = [];
    const binding = { limit: (of: { readonly key: string }) => (asked.push(of.key), limit(of)) };
    const request = (method: string, path: string, headers = {}) =>
      rig().request(method, path, headers, { RATE_LIMITER: binding });
    return { asked, request };
  }

  it.each(["/api/tools", "/ready"])("counts by network, and refuses before anything is asked: %s", async (path) => {
    const { asked, request } = gated(async () => ({ success: false }));
    const refused = await request("GET", path, { "CF-Connecting-IP": "2001:db8:1:2:3:4:5:6" });
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "60"]);
    expect(await bodyOf(refused)).toMatchObject({ code: "rate_limited" });
    expect(asked).toEqual(["2001:db8:1:2::/64"]);
  });

  it("lets pass what is within the limit or from this machine, what the queue delivers, and what tells of our health", async () => {
    const open = gated(async () => ({ success: true }));
    expect((await open.request("GET", "/api/tools", { "CF-Connecting-IP": "192.0.2.1" })).status).toBe(200);
    const closed = gated(async () => ({ success: false }));
    const from = { "CF-Connecting-IP": "192.0.2.1" };
    for (const address of ["", "127.0.0.1", "::1"]) {
      expect((await closed.request("GET", "/api/tools", { "CF-Connecting-IP": address })).status).toBe(200);
    }
    expect((await closed.request("GET", "/health", from)).status).toBe(200);
    for (const path of ["/api/engine/resume", "/api/tools/calculator"])
      expect((await closed.request("POST", path, from)).status).toBe(401);
    expect(closed.asked).toEqual([]);
  });

  it("is open when it cannot be asked", async () => {
    const { request } = gated(() => Promise.reject(new Error("no binding")));
    expect((await request("GET", "/api/tools", { "CF-Connecting-IP": "192.0.2.1" })).status).toBe(200);
  });
});

describe("every answer", () => {
  it.each(["/health", "/api/tools", "/api/nothing", "/api/sessions/current"])(
    "of %s carries a request id and narrow headers",
    async (path) => {
      const response = await rig().request("GET", path, { "X-Request-Id": "chosen-by-client" });
      expect(response.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'self'");
      expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    },
  );

  it("is named by Cloudflare's ray where there is one", async () => {
    const response = await rig().request("GET", "/health", { "CF-Ray": "8f0a-FRA" });
    expect(response.headers.get("X-Request-Id")).toBe("8f0a-FRA");
  });
});

describe("another site's page", () => {
  it("changes nothing with our cookie, and reads what is public", async () => {
    const { request } = rig();
    const refused = await request("POST", "/api/sessions", { Origin: "https://evil.example" });
    expect([refused.status, (await bodyOf(refused))["code"]]).toEqual([403, "forbidden_origin"]);
    expect((await request("POST", "/api/sessions", { Origin: "null" })).status).toBe(403);
    expect((await request("POST", "/api/sessions", { Origin: "https://chat.example.com" })).status).toBe(201);
    expect((await request("POST", "/api/sessions", { Origin: "http://localhost" })).status).toBe(201);
    expect((await request("GET", "/api/tools", { Origin: "https://evil.example" })).status).toBe(200);
  });
});

describe("operations", () => {
  it("lists the tools with their schemas", async () => {
    const { tools } = (await bodyOf(await rig().request("GET", "/api/tools"))) as { tools: Record<string, unknown>[] };
    expect(tools.map((tool) => tool["name"])).toContain("calculator");
    expect(Object.keys(tools[0] ?? {}).toSorted()).toEqual([
      "approval",
      "description",
      "effect",
      "inputSchema",
      "name",
      "scopes",
    ]);
  });

  it("is ready when the storage answers, and says 503 when not", async () => {
    expect((await rig().request("GET", "/ready")).status).toBe(200);
    const pingStorage = () => Promise.reject(new AppError("redis_unavailable", "inner words"));
    const response = await rig({ pingStorage }).request("GET", "/ready");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await response.text()).not.toContain("inner words");
  });

  it.each([
    ["qstash", false],
    ["fetch", true],
  ] as const)("says that the queue is %s, and whether that is the fallback", async (queueName, isFallback) => {
    const queue = { name: queueName, isFallback };
    const ready = await bodyOf(await rig({ queueName }).request("GET", "/ready"));
    expect(ready).toEqual({ status: "ready", checks: { storage: "ok" }, queue });
    const pingStorage = () => Promise.reject(new AppError("redis_unavailable", "inner words"));
    expect(await bodyOf(await rig({ queueName, pingStorage }).request("GET", "/ready"))).toMatchObject({ queue });
  });

  it("is healthy, and answers a problem elsewhere, when the configuration is broken", async () => {
    const app = createApp(() => {
      throw new ConfigError(["SESSION_SECRET is not set."]);
    });
    expect((await app.request("/health", {}, env)).status).toBe(200);
    const response = await app.request("/api/tools", {}, env);
    const body = await response.text();
    expect([response.status, JSON.parse(body)]).toMatchObject([500, { code: "misconfigured" }]);
    expect(body).not.toContain("SESSION_SECRET");
  });
});
