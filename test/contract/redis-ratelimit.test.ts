import { IpDenyList, MultiRegionRatelimit, Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis({ url: server.url, token: server.token, enableTelemetry: false });
});
afterAll(() => server.close());
beforeEach(async () => {
  await redis.flushall();
});

const plain = { prefix: "limit", analytics: false, timeout: 0, ephemeralCache: false } as const;

async function passed(limiter: { limit(id: string): Promise<{ success: boolean; pending: Promise<unknown> }> }) {
  const successes: boolean[] = [];
  for (let index = 0; index < 5; index++) {
    const { success, pending } = await limiter.limit("ada");
    await pending;
    successes.push(success);
  }
  return successes;
}

describe("@upstash/ratelimit in one region", () => {
  const algorithms = {
    "fixed window": Ratelimit.fixedWindow(3, "1 h"),
    "sliding window": Ratelimit.slidingWindow(3, "1 h"),
    "token bucket": Ratelimit.tokenBucket(3, "1 h", 3),
  };

  for (const [name, limiter] of Object.entries(algorithms)) {
    it(`a ${name} lets three of five pass, though its script has a flag that only Upstash knows`, async () => {
      const ratelimit = new Ratelimit({ ...plain, redis, limiter });
      expect(await passed(ratelimit)).toEqual([true, true, true, false, false]);
      expect(await ratelimit.getRemaining("ada")).toMatchObject({ remaining: 0, limit: 3 });
      expect((await ratelimit.limit("bob")).success).toBe(true);
      await ratelimit.resetUsedTokens("ada");
      expect((await ratelimit.limit("ada")).success).toBe(true);
    });
  }

  it("a cached fixed window decides in memory and counts in Redis", async () => {
    const limiter = Ratelimit.cachedFixedWindow(3, "1 h");
    const ratelimit = new Ratelimit({ ...plain, redis, limiter, ephemeralCache: new Map() });
    expect(await passed(ratelimit)).toEqual([true, true, true, false, false]);
    expect((await ratelimit.getRemaining("ada")).remaining).toBe(0);
    await ratelimit.resetUsedTokens("ada");
    expect((await ratelimit.limit("ada")).success).toBe(true);
  });

  it("takes several tokens at a rate, and gives them back at a negative one", async () => {
    const ratelimit = new Ratelimit({ ...plain, redis, limiter: Ratelimit.slidingWindow(10, "1 h") });
    expect((await ratelimit.limit("ada", { rate: 8 })).remaining).toBe(2);
    expect((await ratelimit.limit("ada", { rate: -5 })).remaining).toBe(7);
    expect((await ratelimit.limit("ada", { rate: 8 })).success).toBe(false);
  });

  it("follows a limit that is set while it runs", async () => {
    const ratelimit = new Ratelimit({ ...plain, redis, limiter: Ratelimit.fixedWindow(3, "1 h"), dynamicLimits: true });
    await ratelimit.setDynamicLimit({ limit: 1 });
    expect(await ratelimit.getDynamicLimit()).toEqual({ dynamicLimit: 1 });
    expect(await passed(ratelimit)).toEqual([true, false, false, false, false]);
  });

  it("waits until there is a token again, and no longer than it is told to", async () => {
    const ratelimit = new Ratelimit({ ...plain, redis, limiter: Ratelimit.tokenBucket(1, "200 ms", 1) });
    await ratelimit.limit("ada");
    expect((await ratelimit.blockUntilReady("ada", 10_000)).success).toBe(true);
    const slow = new Ratelimit({ ...plain, redis, prefix: "slow", limiter: Ratelimit.fixedWindow(1, "1 h") });
    await slow.limit("ada");
    expect((await slow.blockUntilReady("ada", 50)).success).toBe(false);
  });

  it("goes on after Redis has forgotten its scripts", async () => {
    const ratelimit = new Ratelimit({ ...plain, redis, limiter: Ratelimit.fixedWindow(3, "1 h") });
    await ratelimit.limit("ada");
    await redis.scriptFlush();
    expect((await ratelimit.limit("ada")).remaining).toBe(1);
  });

  it("writes analytics after its answer", async () => {
    const ratelimit = new Ratelimit({ ...plain, redis, limiter: Ratelimit.fixedWindow(3, "1 h"), analytics: true });
    await passed(ratelimit);
    const [key = ""] = await redis.keys("limit:events:*");
    expect(await redis.zrange(key, 0, -1, { withScores: true })).toEqual([
      { identifier: "ada", success: false },
      2,
      { identifier: "ada", success: true },
      3,
    ]);
  });

  it("denies who is on the deny list", async () => {
    // The list of addresses would be fetched from the internet.
    await IpDenyList.disableIpDenyList(redis, "limit");
    await redis.sadd("limit:denyList:all", "198.51.100.7");
    const ratelimit = new Ratelimit({
      ...plain,
      redis,
      limiter: Ratelimit.fixedWindow(3, "1 h"),
      enableProtection: true,
    });
    const denied = await ratelimit.limit("ada", { ip: "198.51.100.7" });
    expect(denied).toMatchObject({ success: false, reason: "denyList", deniedValue: "198.51.100.7" });
    expect((await ratelimit.limit("ada", { ip: "198.51.100.8" })).success).toBe(true);
  });

  it("is billed for the calls inside its script on top of the script", async () => {
    const ratelimit = new Ratelimit({ ...plain, redis, limiter: Ratelimit.fixedWindow(10, "1 h"), prefix: "billed" });
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

describe("@upstash/ratelimit in several regions", () => {
  let others: RedisServer[];
  let regions: Redis[];

  beforeAll(async () => {
    others = await Promise.all([startRedisServer(), startRedisServer()]);
    regions = [server, ...others].map(({ url, token }) => new Redis({ url, token, enableTelemetry: false }));
  });
  afterAll(() => Promise.all(others.map((other) => other.close())));
  beforeEach(() => Promise.all(regions.map((region) => region.flushall())));

  const algorithms = {
    "fixed window": MultiRegionRatelimit.fixedWindow(3, "1 h"),
    "sliding window": MultiRegionRatelimit.slidingWindow(3, "1 h"),
  };

  for (const [name, limiter] of Object.entries(algorithms)) {
    it(`a ${name} lets three of five pass, and every region knows of them`, async () => {
      const ratelimit = new MultiRegionRatelimit({ ...plain, redis: regions, limiter });
      expect(await passed(ratelimit)).toEqual([true, true, true, false, false]);
      for (const region of regions) {
        const alone = new MultiRegionRatelimit({ ...plain, redis: [region], limiter });
        expect((await alone.limit("ada")).success).toBe(false);
      }
      expect((await ratelimit.getRemaining("ada")).remaining).toBe(0);
      // The SDK does not wait for its own reset here.
      await ratelimit.resetUsedTokens("ada");
      await expect.poll(async () => (await ratelimit.getRemaining("ada")).remaining).toBe(3);
    });
  }
});
