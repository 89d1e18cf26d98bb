import { limits } from "../core/limits.ts";
import { isKnowledgeKey, valueBytes, type KnowledgeEntry } from "../memory/knowledge.ts";
import { keepKnowledge, type KnowledgeParts } from "../memory/keep-knowledge.ts";
import { searchKnowledge } from "../memory/search-knowledge.ts";
import type { Fact, FactStore } from "../tool/fact-store.ts";

/** The facts that tools keep and look up are the agent's knowledge. A value that is no text, which came over HTTP, reads as its JSON. */
export function knownFacts(parts: KnowledgeParts): FactStore {
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
    async search(owner, query, signal) {
      const text = query.slice(0, limits.searchQueryCharsMax);
      const { hits } = await searchKnowledge(parts, owner, { text, limit: limits.factHitsMax }, signal);
      return hits.map(({ entry }) => factOf(entry));
    },
  };
}

function factOf({ key, value }: KnowledgeEntry): Fact {
  return { key, value: typeof value === "string" ? value : JSON.stringify(value) };
}
