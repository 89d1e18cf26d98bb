import { limits } from "../core/limits.ts";
import { isKnowledgeKey, valueBytes, type KnowledgeEntry } from "../memory/knowledge.ts";
import { keepKnowledge, type KnowledgeParts } from "../memory/keep-knowledge.ts";
import { searchKnowledge, type KnowledgeQuery } from "../memory/search-knowledge.ts";
import type { Fact, FactOwner, FactStore } from "../tool/fact-store.ts";

/** The facts that tools keep and look up are the agent's knowledge. A value that is no text, which came over HTTP, reads as its JSON. */
export function knownFacts(parts: KnowledgeParts): FactStore {
  async function find(owner: FactOwner, query: KnowledgeQuery, signal: AbortSignal): Promise<Fact[]> {
    const text = query.text.slice(0, limits.searchQueryCharsMax);
    const { hits } = await searchKnowledge(parts, owner, { ...query, text }, signal);
    return hits.map(({ entry }) => factOf(entry));
  }

  return {
    async remember(owner, { key, value }, signal) {
      if (!isKnowledgeKey(key) || valueBytes(value) > limits.knowledgeValueBytesMax) return "unusable";
      const outcome = await keepKnowledge(parts, owner, { key, value, tags: [] }, signal);
      return outcome.kind === "kept" ? "remembered" : "full";
    },
    async recall(owner, key) {
      const entry = await parts.store.get(owner, key);
      return entry === undefined ? undefined : factOf(entry).value;
    },
    async list(owner) {
      const { entries } = await parts.store.load(owner, { withVectors: false });
      return entries.map(factOf);
    },
    search: (owner, text, signal) => find(owner, { text, limit: limits.factHitsMax }, signal),
    nearest: (owner, text, limit, signal) => find(owner, { text, limit, isFilledUp: true }, signal),
  };
}

function factOf({ key, value }: KnowledgeEntry): Fact {
  return { key, value: typeof value === "string" ? value : JSON.stringify(value) };
}
