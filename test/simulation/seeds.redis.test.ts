import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulatedRedis, type SimulatedRedis } from "./redis-storage.ts";
import { batchesOf, reportOn } from "./seeds.ts";

let redis: SimulatedRedis;
beforeAll(async () => {
  redis = await startSimulatedRedis();
});
afterAll(() => redis.close());

describe("runs in bad weather, on Redis", () => {
  it.each(batchesOf("redis"))("break no invariant in seeds $title", async ({ seeds }) => {
    for (const seed of seeds) expect(await reportOn(seed, () => redis.empty())).toBe("");
  });
});
