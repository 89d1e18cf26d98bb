import { describe, expect, it } from "vitest";
import { batchesOf, reportOn } from "./seeds.ts";
import { memoryStorage } from "./storage.ts";

describe("runs in bad weather, on the fake journal", () => {
  it.each(batchesOf("memory"))("break no invariant in seeds $title", async ({ seeds }) => {
    for (const seed of seeds) expect(await reportOn(seed, async () => memoryStorage())).toBe("");
  });
});
