/** What the doctor and the wizard say of an Upstash that is there, but does not serve. */
import { afterEach, describe, expect, it } from "vitest";
import { checkDelivery } from "../../scripts/doctor/check-app.ts";
import { readSigningKeys } from "../../scripts/environment/check-qstash.ts";
import { checkRedis } from "../../scripts/environment/check-redis.ts";
import type { Finding } from "../../scripts/environment/finding.ts";
import { Secret } from "../../src/core/secret.ts";
import { serveFetch, type ServedFetch } from "../support/serve-fetch.ts";

let server: ServedFetch | undefined;
afterEach(() => server?.close());

const token = "the-token-that-nobody-repeats";

async function wrongsOf(service: "Redis" | "QStash", status: number, body: unknown): Promise<Finding[]> {
  server = await serveFetch(() => Promise.resolve(Response.json(body, { status })));
  const found =
    service === "Redis" ? await checkRedis(server.url, token) : [await readSigningKeys({ url: server.url, token })];
  return found.flatMap((finding) => ("isOk" in finding && !finding.isOk ? [finding] : []));
}

describe.each(["Redis", "QStash"] as const)("%s", (service) => {
  it.each([
    [429, { error: "Exceeded daily rate limit" }, `${service} answers with status 429: "Exceeded daily rate limit".`],
    [503, "upstream connect error", `${service} answers with status 503.`],
    [
      400,
      { error: "ERR max requests limit exceeded. Limit: 500000" },
      'status 400: "ERR max requests limit exceeded. Limit: 500000".',
    ],
    [402, { error: `no\nfor ${token}` }, 'status 402: "no for [secret]".'],
    [400, { error: "x".repeat(201) }, `status 400: "${"x".repeat(200)}…".`],
  ])("that answers with status %i and %j is quoted, and nobody is sent to the wizard", async (status, body, words) => {
    const [wrong, ...more] = await wrongsOf(service, status, body);
    expect(wrong?.words).toContain(words);
    expect(wrong?.mend).toBe("npm run doctor, later");
    expect(more).toEqual([]);
  });

  it.each([
    [404, { error: "not found" }],
    [200, "<html>"],
  ])("with status %i and %j is something else at that address: the wizard asks anew", async (status, body) => {
    const [wrong] = await wrongsOf(service, status, body);
    expect(wrong?.words).toContain(`What answers there with status ${status} is no`);
    expect(wrong?.mend).toBe("npm run setup");
  });
});

describe("a QStash that takes no message", () => {
  const key = new Secret("sig_x");

  it.each([
    [429, "Exceeded daily rate limit", 'status 429: "Exceeded daily rate limit".', "npm run doctor, later"],
    [400, "invalid destination url", "APP_URL may be none", "npm run setup"],
  ])("with status %i for %j is told from one that refuses the address", async (status, error, words, mend) => {
    server = await serveFetch(() => Promise.resolve(Response.json({ error }, { status })));
    const qstash = { url: server.url, token: new Secret(token), currentSigningKey: key, nextSigningKey: key };
    const finding = await checkDelivery("http://127.0.0.1:1", qstash);
    expect(finding.words).toContain(words);
    expect(finding.mend).toBe(mend);
  });
});

describe("a Redis that answers, but does not write", () => {
  it.each([
    ["NOPERM this user has no permissions to run the 'set' command", "read-only token", "npm run setup"],
    ["ERR max data size exceeded", 'status 200: "ERR max data size exceeded".', "npm run doctor, later"],
  ])("for %s is told apart", async (error, words, mend) => {
    const now = String(Math.floor(Date.now() / 1000));
    const [wrong, ...more] = await wrongsOf("Redis", 200, [{ result: "PONG" }, { result: [now, "0"] }, { error }]);
    expect(wrong?.words).toContain(words);
    expect(wrong?.mend).toBe(mend);
    expect(more).toEqual([]);
  });

  it("for each of its commands is quoted", async () => {
    const refused = { error: "ERR max requests limit exceeded" };
    const [wrong, ...more] = await wrongsOf("Redis", 200, [refused, refused, refused]);
    expect(wrong?.words).toContain("max requests limit exceeded");
    expect(more).toEqual([]);
  });
});
