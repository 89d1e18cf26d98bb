import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis({ url: server.url, token: server.token, enableTelemetry: false });
});
afterAll(() => server.close());

describe("@upstash/ratelimit against the local front", () => {
  for (const [name, limiter] of [
    ["fixed window", Ratelimit.fixedWindow(3, "1 h")],
    ["sliding window", Ratelimit.slidingWindow(3, "1 h")],
    ["token bucket", Ratelimit.tokenBucket(3, "1 h", 3)],
  ] as const) {
    it(`a ${name} lets three of five pass, though its script has a flag that only Upstash knows`, async () => {
      const ratelimit = new Ratelimit({
        redis,
        limiter,
        prefix: name,
        analytics: false,
        timeout: 0,
        ephemeralCache: false,
      });
      const passed: boolean[] = [];
      for (let index = 0; index < 5; index++) passed.push((await ratelimit.limit("ada")).success);
      expect(passed).toEqual([true, true, true, false, false]);
      expect((await ratelimit.getRemaining("ada")).remaining).toBe(0);
      await ratelimit.resetUsedTokens("ada");
      expect((await ratelimit.limit("ada")).success).toBe(true);
    });
  }

  it("bills the calls inside the script on top of the script", async () => {
    const ratelimit = new Ratelimit({
      redis,
      limiter: Ratelimit.fixedWindow(10, "1 h"),
      prefix: "billed",
      ephemeralCache: false,
      timeout: 0,
    });
    await ratelimit.limit("ada");
    server.ledger.reset();
    await ratelimit.limit("ada");
    expect(server.ledger.read()).toMatchObject({
      byCommand: { EVALSHA: 1, INCRBY: 1 },
      byKeyPrefix: { billed: 2 },
      roundTrips: 1,
    });
  });
});
