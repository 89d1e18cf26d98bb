/** Tokens of an identity provider: what holds, and everything that does not. */
import { base64url, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import type { IdentityProvider } from "../../src/config/identity-provider.ts";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import { userScopes } from "../../src/session/scope.ts";
import type { JwksMemory } from "../../src/system/jwks.ts";
import { tokenVerifier } from "../../src/system/token-verifier.ts";
import { manualClock } from "../fakes/clock.ts";
import { testProvider, type TestProvider } from "../support/identity-provider.ts";

const url = "https://login.customer.example/keys";
let clock: ReturnType<typeof manualClock>;
let their: TestProvider;
let requests: string[];
let answer: () => Response | Promise<Response>;
let verify: ReturnType<typeof tokenVerifier>;

function verifierWith(over: Partial<IdentityProvider> = {}) {
  const memory: JwksMemory = { kept: undefined, fetchedAtMs: [] };
  const provider: IdentityProvider = {
    issuer: their.issuer,
    audience: their.audience,
    algorithm: "ES256",
    keys: { kind: "jwks", url },
    tenantClaim: undefined,
    ...over,
  };
  return tokenVerifier({
    provider,
    clock,
    memory,
    fetch: async (asked) => {
      requests.push(asked);
      return answer();
    },
  });
}

beforeEach(async () => {
  clock = manualClock();
  their = await testProvider(clock.now());
  requests = [];
  answer = () => Response.json(their.jwks);
  verify = verifierWith();
});

const seconds = () => Math.floor(clock.now() / 1000);

describe("a token that holds", () => {
  it("names the same user each time, and another for another subject", async () => {
    const [first, again, bob] = [
      await verify(await their.sign()),
      await verify(await their.sign()),
      await verify(await their.sign({ sub: "bob" })),
    ];
    expect(first).toMatchObject({ kind: "vouched", userId: expect.stringMatching(/^usr_[0-9a-f]{32}$/) });
    expect(again).toEqual(first);
    expect(bob).toMatchObject({ kind: "vouched" });
    expect(bob).not.toMatchObject({ userId: "userId" in first ? first.userId : "" });
    expect(requests).toEqual([url]);
  });

  it("names another user in each tenant", async () => {
    const byTenant = verifierWith({ tenantClaim: "org" });
    const [acme, other] = [
      await byTenant(await their.sign({ org: "acme" })),
      await byTenant(await their.sign({ org: "other" })),
    ];
    expect([acme.kind, other.kind]).toEqual(["vouched", "vouched"]);
    expect("identity" in acme && acme.identity.tenant).not.toBe("identity" in other && other.identity.tenant);
    expect("userId" in acme && acme.userId).not.toBe("userId" in other && other.userId);
    expect(await byTenant(await their.sign())).toEqual({ kind: "forged" });
    expect(await byTenant(await their.sign({ org: ["acme"] }))).toEqual({ kind: "forged" });
  });

  it.each([
    [{}, userScopes],
    [{ scope: "openid email" }, userScopes],
    [{ scope: "openid skipstone:chat skipstone:admin" }, ["chat", "admin"]],
    [{ scp: ["skipstone:runs", "skipstone:no-such-scope"] }, ["runs"]],
    [{ scope: "skipstone:no-such-scope" }, []],
  ])("with the claims %j has the scopes %j", async (claims, scopes) => {
    expect(await verify(await their.sign(claims))).toMatchObject({ identity: { scopes } });
  });

  it("is taken within the tolerance for clocks, and not beyond it", async () => {
    const tolerance = limits.clockToleranceSeconds;
    expect((await verify(await their.sign({ exp: seconds() - tolerance + 1 }))).kind).toBe("vouched");
    expect((await verify(await their.sign({ exp: seconds() - tolerance - 1 }))).kind).toBe("expired");
    expect((await verify(await their.sign({ nbf: seconds() + tolerance - 1 }))).kind).toBe("vouched");
    expect((await verify(await their.sign({ nbf: seconds() + tolerance + 1 }))).kind).toBe("forged");
  });
});

describe("a token that does not hold", () => {
  const bad: [string, () => Promise<string> | string][] = [
    ["of another audience", () => their.sign({ aud: "another-app" })],
    ["without an audience", () => their.sign({ aud: undefined })],
    ["of another issuer", () => their.sign({ iss: "https://evil.example/" })],
    ["whose issuer only begins like ours", () => their.sign({ iss: "https://login.customer.example/.evil" })],
    ["without an end", () => their.sign({ exp: undefined })],
    ["without a subject", () => their.sign({ sub: undefined })],
    ["with an empty subject", () => their.sign({ sub: "" })],
    ["with a subject over the limit", () => their.sign({ sub: "x".repeat(256) })],
    ["with a subject that is no text", () => their.sign({ sub: 7 })],
    ["not yet valid", () => their.sign({ nbf: seconds() + 3600 })],
    ["whose signature is cut off", async () => (await their.sign()).slice(0, -4)],
    ["without its signature", async () => (await their.sign()).replace(/[^.]*$/, "")],
    ["with another payload under the same signature", swapped],
    [
      "with alg none",
      () =>
        new UnsecuredJWT({ sub: "alice" })
          .setIssuer(their.issuer)
          .setAudience(their.audience)
          .setExpirationTime("5m")
          .encode(),
    ],
    ["signed with the public key as a secret", confused],
    ["signed by somebody else under the same key id", signedByAnother],
    ["with a key of its own in the header", async () => embedded({ jwk: (await testProvider()).jwks.keys[0] })],
    ["with a key URL of its own", () => embedded({ jku: "https://evil.example/keys" })],
    ["with a critical header that nobody knows", () => craft({ alg: "ES256", kid: "first", crit: ["exp2"], exp2: 1 })],
    ["with a key id that is a path", () => their.sign({}, { kid: "../../etc/passwd" })],
    ["with a key id that is an object", () => craft({ alg: "ES256", kid: { $ne: "" } })],
    ["with a key id of 4,000 characters", () => their.sign({}, { kid: "k".repeat(4_000) })],
    ["of two parts", () => "a.b"],
    ["that is no token", () => "hello"],
    [
      "whose payload is no object",
      () => `${encode({ alg: "ES256", kid: "first" })}.${base64url.encode('"alice"')}.AAAA`,
    ],
    ["that is empty", () => ""],
  ];

  it.each(bad)("%s is refused", async (_what, make) => {
    expect(await verify(await make())).toEqual({ kind: "forged" });
  });

  it("over the limit is refused before anything is fetched or parsed", async () => {
    const token = await their.sign({ padding: "x".repeat(limits.tokenCharsMax) });
    expect(await verify(token)).toEqual({ kind: "forged" });
    expect(requests).toEqual([]);
  });

  it("for it has expired says so", async () => {
    expect(await verify(await their.sign({ exp: seconds() - 3600 }))).toEqual({ kind: "expired" });
  });

  const encode = (value: object): string => base64url.encode(JSON.stringify(value));
  const craft = (header: object): string =>
    `${encode(header)}.${encode({ sub: "alice" })}.${base64url.encode("x".repeat(64))}`;

  async function swapped(): Promise<string> {
    const [header, , signature] = (await their.sign()).split(".");
    const payload = (await their.sign({ sub: "admin" })).split(".")[1];
    return `${header}.${payload}.${signature}`;
  }

  function confused(): Promise<string> {
    const secret = new TextEncoder().encode(JSON.stringify(their.jwks.keys[0]));
    const claims = { iss: their.issuer, aud: their.audience, sub: "alice", exp: seconds() + 300 };
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "first" }).sign(secret);
  }

  async function signedByAnother(): Promise<string> {
    return (await testProvider(clock.now())).sign();
  }

  async function embedded(header: Record<string, unknown>): Promise<string> {
    return (await testProvider(clock.now())).sign({}, header);
  }
});

describe("a shared secret", () => {
  const secret = "a shared secret of more than thirty-two characters";
  const sign = (alg: string, key = secret): Promise<string> =>
    new SignJWT({ iss: their.issuer, aud: their.audience, sub: "alice", exp: seconds() + 300 })
      .setProtectedHeader({ alg })
      .sign(new TextEncoder().encode(key));

  it("lets in what it signed with the one algorithm, and nothing else", async () => {
    const by = verifierWith({ algorithm: "HS256", keys: { kind: "secret", secret: new Secret(secret) } });
    expect((await by(await sign("HS256"))).kind).toBe("vouched");
    expect((await by(await sign("HS512", secret.repeat(2)))).kind).toBe("forged");
    expect((await by(await sign("HS256", secret.replace("a", "b")))).kind).toBe("forged");
    expect((await by(await their.sign())).kind).toBe("forged");
    expect(requests).toEqual([]);
  });
});

describe("the published keys", () => {
  it("are fetched again for a key that is new, but not in the half minute after a fetch", async () => {
    expect((await verify(await their.sign())).kind).toBe("vouched");
    await their.rotate("second");
    expect((await verify(await their.sign())).kind).toBe("forged");
    await clock.advance(30_000);
    expect((await verify(await their.sign())).kind).toBe("vouched");
    expect(requests).toHaveLength(2);
  });

  it("are not fetched for each token that names a key which does not exist", async () => {
    await verify(await their.sign());
    await clock.advance(30_000);
    for (let count = 0; count < 100; count += 1) {
      expect((await verify(await their.sign({}, { kid: `made-up-${count}` }))).kind).toBe("forged");
    }
    expect(requests).toHaveLength(2);
  });

  it("are fetched at most five times in half a minute when they do not come, and each time the answer is 503", async () => {
    answer = () => new Response("down", { status: 500 });
    for (let count = 0; count < 20; count += 1) {
      await expect(verify(await their.sign())).rejects.toMatchObject({ code: "identity_provider_unavailable" });
    }
    expect(requests).toHaveLength(5);
    answer = () => Response.json(their.jwks);
    await clock.advance(30_000);
    expect((await verify(await their.sign())).kind).toBe("vouched");
  });

  it("go on for an hour when they cannot be fetched again, and not longer", async () => {
    await verify(await their.sign());
    answer = () => Promise.reject(new Error("no route to host"));
    await clock.advance(11 * 60_000);
    expect((await verify(await their.sign({ exp: seconds() + 300 }))).kind).toBe("vouched");
    await clock.advance(50 * 60_000);
    await expect(verify(await their.sign({ exp: seconds() + 300 }))).rejects.toMatchObject({
      code: "identity_provider_unavailable",
    });
  });

  it.each([
    ["a page", () => new Response("<html>")],
    ["no keys", () => Response.json({})],
    ["a list of something else", () => Response.json({ keys: [7] })],
    ["a redirect", () => new Response(null, { status: 302, headers: { Location: "https://evil.example/keys" } })],
    ["more than 64 KiB", () => Response.json({ keys: [{ kty: "oct", k: "x".repeat(64 * 1024) }] })],
  ])("that are %s are 503, and nobody is let in", async (_what, respond) => {
    answer = respond;
    await expect(verify(await their.sign())).rejects.toMatchObject({ code: "identity_provider_unavailable" });
  });
});
