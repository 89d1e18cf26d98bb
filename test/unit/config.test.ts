import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../src/config.ts";

const complete = {
  UPSTASH_REDIS_REST_URL: "https://example.upstash.io/",
  UPSTASH_REDIS_REST_TOKEN: "redis-token",
  QSTASH_URL: "https://qstash.upstash.io",
  QSTASH_TOKEN: "qstash-token",
  QSTASH_CURRENT_SIGNING_KEY: "sig_current",
  QSTASH_NEXT_SIGNING_KEY: "sig_next",
  MODEL_BASE_URL: "https://api.example.com/v1",
  MODEL_API_KEY: "model-key",
  MODEL_NAME: "model",
  SESSION_SECRET: "0123456789abcdef0123456789abcdef",
  APP_URL: "https://chat.example.com",
  ENVIRONMENT: "production",
};

function problemsOf(env: object): readonly string[] {
  try {
    parseConfig(env);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ConfigError);
    return (thrown as ConfigError).problems;
  }
  return [];
}

const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

describe("the encryption keys", () => {
  it("are a list of ids and keys of 32 bytes, in their order; none is needed", () => {
    const { encryption } = parseConfig({ ...complete, ENCRYPTION_KEYS: `new:${key}, old_1:${key}` });
    expect(encryption.keys.map(({ id }) => id)).toEqual(["new", "old_1"]);
    expect(encryption.keys[0]?.key.reveal()).toBe(key);
    expect(encryption.clear).toBe("read");
    expect(parseConfig({ ...complete, ENCRYPTION_CLEAR: "refuse" }).encryption).toEqual({ keys: [], clear: "refuse" });
  });

  it.each([
    ["no id", key],
    ["an empty id", `:${key}`],
    ["an id that is too long", `${"k".repeat(17)}:${key}`],
    ["an id with a dot", `a.b:${key}`],
    ["a key of 31 bytes", `k:${btoa("0123456789abcdef0123456789abcde")}`],
    ["a key of 33 bytes", `k:${btoa("0123456789abcdef0123456789abcdefg")}`],
    ["a key that is no base64", `k:${"!".repeat(43)}=`],
    ["one id twice", `k:${key},k:${key}`],
    ["17 keys", Array.from({ length: 17 }, (_key, index) => `k${index}:${key}`).join(",")],
    ["a comma too many", `k:${key},`],
  ])("with %s are refused, and not shown", (_what, keys) => {
    const problems = problemsOf({ ...complete, ENCRYPTION_KEYS: keys });
    expect(problems).toEqual([expect.stringContaining("ENCRYPTION_KEYS is set, but is no list")]);
    expect(problems[0]).not.toContain(key);
  });

  it("say what becomes of clear text in one of two words", () => {
    expect(problemsOf({ ...complete, ENCRYPTION_CLEAR: "maybe" })[0]).toContain("ENCRYPTION_CLEAR has another value");
  });
});

describe("the configuration", () => {
  it("is read from a complete environment, without slashes at the end of URLs", () => {
    const config = parseConfig(complete);
    expect(config.redis.url).toBe("https://example.upstash.io");
    expect(config.redis.token.reveal()).toBe("redis-token");
    expect(config.qstash?.currentSigningKey.reveal()).toBe("sig_current");
    expect(config).toMatchObject({ environment: "production", logLevel: "info", appUrl: "https://chat.example.com" });
  });

  it("is read once per environment object", () => {
    expect(parseConfig(complete)).toBe(parseConfig(complete));
  });

  it("accepts both naming schemes of Upstash for Redis", () => {
    const { UPSTASH_REDIS_REST_URL: _url, UPSTASH_REDIS_REST_TOKEN: _token, ...rest } = complete;
    const config = parseConfig({ ...rest, UPSTASH_REDIS_URL: "https://other.upstash.io", UPSTASH_REDIS_TOKEN: "t" });
    expect(config.redis.url).toBe("https://other.upstash.io");
  });

  it("does without QStash in development, and in production only when that is asked for by name", () => {
    const { QSTASH_TOKEN: _token, ...rest } = complete;
    expect(parseConfig({ ...rest, ENVIRONMENT: "development" })).toMatchObject({ qstash: undefined, queue: "fetch" });
    expect(parseConfig({ ...rest, ENVIRONMENT: "production", QUEUE: "fetch" }).queue).toBe("fetch");
    expect(problemsOf({ ...rest, ENVIRONMENT: "production" })[0]).toContain("QSTASH_TOKEN is not set");
    expect(problemsOf({ ...rest, ENVIRONMENT: "development", QUEUE: "qstash" })[0]).toContain("QSTASH_TOKEN");
  });

  it("looks for QStash where its SDK does, unless it is told where", () => {
    const { QSTASH_URL: _url, ...rest } = complete;
    expect(parseConfig({ ...rest }).qstash?.url).toBe("https://qstash.upstash.io");
    expect(parseConfig({ ...rest, QSTASH_URL: "https://qstash-us-east-1.upstash.io" }).qstash?.url).toBe(
      "https://qstash-us-east-1.upstash.io",
    );
  });

  it("lets tools reach what is listed, and nothing near without a list", () => {
    expect(parseConfig({ ...complete }).egress).toEqual({ dnsUrl: undefined, allowedHosts: new Set() });
    const EGRESS_ALLOWED_HOSTS = "127.0.0.1:3000, intranet.example ,[::1]:80";
    expect(problemsOf({ ...complete, EGRESS_ALLOWED_HOSTS })[0]).toContain("EGRESS_ALLOWED_HOSTS");
    const listed = parseConfig({ ...complete, EGRESS_ALLOWED_HOSTS: "127.0.0.1:3000, intranet.example ,[::1]:8080" });
    expect(listed.egress.allowedHosts).toEqual(new Set(["127.0.0.1:3000", "intranet.example", "[::1]:8080"]));
    for (const wrong of ["http://a.example", "a.example/path", "a b", "user@a.example", "a.example,"]) {
      expect(problemsOf({ ...complete, EGRESS_ALLOWED_HOSTS: wrong }), wrong).toHaveLength(1);
    }
    expect(parseConfig({ ...complete, EGRESS_DNS_URL: "https://dns.example/q" }).egress.dnsUrl).toBe(
      "https://dns.example/q",
    );
    expect(problemsOf({ ...complete, EGRESS_DNS_URL: "dns.example" })[0]).toContain("EGRESS_DNS_URL");
  });

  it("reports all that is missing at once, each with its variable and where to get it", () => {
    const problems = problemsOf({});
    for (const name of ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "MODEL_BASE_URL", "MODEL_API_KEY"]) {
      expect(problems.some((problem) => problem.includes(name))).toBe(true);
    }
    expect(problems).toHaveLength(8);
    expect(problems.join(" ")).toContain("openssl rand -hex 32");
    expect(problems.join(" ")).toContain("the Upstash console");
  });

  it("treats an empty or blank binding as missing", () => {
    expect(problemsOf({ ...complete, MODEL_NAME: "  " })).toHaveLength(1);
  });

  it.each([
    ["SESSION_SECRET", "too-short"],
    ["INTERNAL_SYSTEM_KEY", "31-characters-are-one-too-few-1"],
    ["APP_URL", "s3cret-in-the-wrong-place"],
    ["ENVIRONMENT", "staging-s3cret"],
    ["LOG_LEVEL", "loud-s3cret"],
    ["MODEL_BASE_URL", "ftp://s3cret.example.com"],
  ])("refuses a wrong %s by name and without printing it", (name, value) => {
    const problems = problemsOf({ ...complete, [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(name);
    expect(problems[0]).not.toContain(value);
  });

  it("prints no secret", () => {
    const printed = `${JSON.stringify(parseConfig(complete))} ${String(parseConfig(complete).redis.token)}`;
    expect(printed).toContain("[secret]");
    expect(printed).not.toMatch(/redis-token|qstash-token|sig_|model-key|0123456789abcdef/);
  });

  it("has an embedding endpoint as a whole or not at all", () => {
    expect(parseConfig({ ...complete, EMBEDDING_NAME: " " }).embedding).toBeUndefined();
    const embedding = {
      EMBEDDING_BASE_URL: "https://api.example.com/v1/",
      EMBEDDING_API_KEY: "embedding-key",
      EMBEDDING_NAME: "vectors",
    };
    const config = parseConfig({ ...complete, ...embedding, EMBEDDING_DIMENSIONS: "512" });
    expect(config.embedding).toMatchObject({ baseUrl: "https://api.example.com/v1", name: "vectors", dimensions: 512 });
    expect(config.embedding?.apiKey.reveal()).toBe("embedding-key");
    const problems = problemsOf({ ...complete, EMBEDDING_NAME: "vectors" });
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual(["EMBEDDING_BASE_URL", "EMBEDDING_API_KEY"]);
  });

  it.each(["0", "1.5", "many", "-3", "1e3", "99999999999"])("refuses %j as a count, without quoting it", (text) => {
    const problems = problemsOf({ ...complete, MODEL_CONTEXT_TOKENS: text });
    expect(problems).toEqual(["MODEL_CONTEXT_TOKENS is set, but is no whole number from 2000 to 1000000."]);
  });

  it("takes the usual size of a context where none is given", () => {
    expect(parseConfig({ ...complete }).model.contextTokens).toBe(32_000);
    expect(parseConfig({ ...complete, MODEL_CONTEXT_TOKENS: "2000" }).model.contextTokens).toBe(2_000);
  });

  const auth = {
    AUTH_ISSUER: "https://login.example/",
    AUTH_AUDIENCE: "app",
    AUTH_JWKS_URL: "https://login.example/keys",
  };

  it("has an identity provider when one is set, with one algorithm", () => {
    expect(parseConfig(complete).identityProvider).toBeUndefined();
    expect(parseConfig({ ...complete, ...auth }).identityProvider).toEqual({
      issuer: "https://login.example/",
      audience: "app",
      algorithm: "RS256",
      keys: { kind: "jwks", url: "https://login.example/keys" },
      tenantClaim: undefined,
    });
    const { AUTH_JWKS_URL: _url, ...rest } = auth;
    const bySecret = { ...complete, ...rest, AUTH_JWT_SECRET: "s".repeat(32), AUTH_TENANT_CLAIM: "org" };
    expect(parseConfig(bySecret).identityProvider).toMatchObject({ algorithm: "HS256", tenantClaim: "org" });
  });

  it.each([
    ["half of it", { AUTH_ISSUER: "https://login.example/" }, ["AUTH_JWKS_URL", "AUTH_AUDIENCE"]],
    ["both kinds of keys", { ...auth, AUTH_JWT_SECRET: "s".repeat(32) }, ["both set"]],
    ["a short secret", { ...auth, AUTH_JWKS_URL: "", AUTH_JWT_SECRET: "s".repeat(31) }, ["AUTH_JWT_SECRET has fewer"]],
    ["keys over http", { ...auth, AUTH_JWKS_URL: "http://login.example/keys" }, ["must be an https URL"]],
    ["a password in the URL", { ...auth, AUTH_JWKS_URL: "https://a:b@login.example/keys" }, ["must be an https URL"]],
    ["no algorithm", { ...auth, AUTH_ALGORITHM: "none" }, ["AUTH_ALGORITHM has another value"]],
    ["an algorithm for secrets with public keys", { ...auth, AUTH_ALGORITHM: "HS256" }, ["AUTH_ALGORITHM has another"]],
  ])("refuses an identity provider with %s", (_what, env, problems) => {
    const found = problemsOf({ ...complete, ...env });
    for (const problem of problems) expect(found.join(" ")).toContain(problem);
    expect(found).toHaveLength(problems.length);
  });
});

describe("an environment", () => {
  const local = { ...complete, APP_URL: "http://127.0.0.1:8787", ENVIRONMENT: "development", SKIP_SIGNATURES: "1" };

  it.each(["http://localhost:8787", "http://127.0.0.1", "http://[::1]:8787"])(
    "of a developer at %s may skip signatures, and does not by itself",
    (appUrl) => {
      expect(parseConfig({ ...local, APP_URL: appUrl }).skipsSignatures).toBe(true);
      for (const value of ["", "0"]) {
        expect(parseConfig({ ...local, APP_URL: appUrl, SKIP_SIGNATURES: value }).skipsSignatures).toBe(false);
      }
    },
  );

  it.each([
    ["in production", { ENVIRONMENT: "production" }],
    ["at a public address", { APP_URL: "https://chat.example.com" }],
    ["at an address that only looks local", { APP_URL: "https://localhost.example.com" }],
    ["at another machine of the network", { APP_URL: "http://192.168.0.7:8787" }],
    ["behind a name in front of the host", { APP_URL: "http://127.0.0.1@chat.example.com" }],
  ])("that skips signatures is refused %s", (_where, over) => {
    expect(problemsOf({ ...local, ...over })).toContainEqual(expect.stringContaining("SKIP_SIGNATURES lets in"));
  });

  it("that says neither 0 nor 1 is refused", () => {
    expect(problemsOf({ ...local, SKIP_SIGNATURES: "true" })[0]).toContain("SKIP_SIGNATURES has another value");
  });
});
