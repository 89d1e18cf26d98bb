import { describe, expect, it } from "vitest";
import { batchesOf, reportAsItIs } from "./seeds.ts";
import { simulateTools } from "./simulate-tools.ts";
import { toolCaseOf } from "./tool-case.ts";

describe("queued tools in bad weather", () => {
  it.each(batchesOf("tools"))("break no invariant in seeds $title", async ({ seeds }) => {
    for (const seed of seeds) expect(reportAsItIs(seed, await simulateTools(toolCaseOf(seed)))).toBe("");
  });
});
