import { describe, expect, it } from "vitest";
import { agentCaseOf } from "./agent-case.ts";
import { batchesOf, reportAsItIs } from "./seeds.ts";
import { simulateAgents } from "./simulate-agents.ts";
import { memoryStorage } from "./storage.ts";

describe("runs of agents in bad weather", () => {
  it.each(batchesOf("agents"))("break no invariant in seeds $title", async ({ seeds }) => {
    for (const seed of seeds) {
      expect(reportAsItIs(seed, await simulateAgents(agentCaseOf(seed), memoryStorage()))).toBe("");
    }
  });
});
