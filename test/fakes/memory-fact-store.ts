import { limits } from "../../src/core/limits.ts";
import type { FactOwner, FactStore } from "../../src/tool/fact-store.ts";

export function memoryFactStore(): FactStore {
  const owners = new Map<string, Map<string, string>>();
  function factsOf({ userId, agentId }: FactOwner): Map<string, string> {
    const key = `${userId} ${agentId}`;
    const facts = owners.get(key) ?? new Map<string, string>();
    owners.set(key, facts);
    return facts;
  }
  return {
    async remember(owner, { key, value }) {
      const facts = factsOf(owner);
      if (!facts.has(key) && facts.size >= limits.factsPerAgentMax) return "full";
      facts.set(key, value);
      return "remembered";
    },
    async recall(owner, key) {
      return factsOf(owner).get(key);
    },
    async list(owner) {
      const facts = [...factsOf(owner)].map(([key, value]) => ({ key, value }));
      return facts.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    },
  };
}
