import { knownFacts } from "../../src/agent/known-facts.ts";
import type { FactStore } from "../../src/tool/fact-store.ts";
import { countingRandom, manualClock, silentLog } from "./clock.ts";
import { memoryKnowledgeStore } from "./memory-knowledge-store.ts";

/** The facts of tools over knowledge in memory, found by their words. */
export function memoryFactStore(): FactStore {
  const parts = { clock: manualClock(), random: countingRandom(), log: silentLog, embedder: undefined };
  return knownFacts({ ...parts, store: memoryKnowledgeStore() });
}
