import { limits } from "../../src/core/limits.ts";
import type { EntryVector, KnowledgeOwner, KnowledgeStore, VersionedEntry } from "../../src/memory/knowledge.ts";

interface Known {
  readonly entries: Map<string, VersionedEntry>;
  readonly vectors: Map<string, EntryVector>;
}

/** Knowledge in memory; held to the same cases as the real adapter by `test/contract/knowledge-store.test.ts`. */
export function memoryKnowledgeStore(): KnowledgeStore {
  const owners = new Map<string, Known>();
  function knownOf({ userId, agentId }: KnowledgeOwner): Known {
    const name = `${userId}/${agentId}`;
    const known = owners.get(name) ?? { entries: new Map(), vectors: new Map() };
    owners.set(name, known);
    return known;
  }
  const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);
  return {
    async put(owner, entry, vector) {
      const { entries, vectors } = knownOf(owner);
      if (!entries.has(entry.key) && entries.size >= limits.knowledgeEntriesMax) return "full";
      entries.set(entry.key, entry);
      if (vector !== undefined) vectors.set(entry.key, vector);
      return "stored";
    },
    async get(owner, key) {
      return knownOf(owner).entries.get(key);
    },
    async getMany(owner, keys) {
      return keys.flatMap((key) => knownOf(owner).entries.get(key) ?? []);
    },
    async keys(owner) {
      return [...knownOf(owner).entries.keys()].toSorted(byCodeUnits);
    },
    async load(owner, { withVectors }) {
      const { entries, vectors } = knownOf(owner);
      return {
        entries: [...entries.values()].toSorted((a, b) => byCodeUnits(a.key, b.key)),
        vectors: withVectors ? new Map(vectors) : new Map(),
      };
    },
    async putVectors(owner, vectors) {
      for (const [key, vector] of vectors) knownOf(owner).vectors.set(key, vector);
    },
    async dropVectors(owner, keys) {
      for (const key of keys) knownOf(owner).vectors.delete(key);
    },
    async remove(owner, key) {
      knownOf(owner).vectors.delete(key);
      return knownOf(owner).entries.delete(key);
    },
    async forget({ userId, agentId }) {
      owners.delete(`${userId}/${agentId}`);
    },
    async agents(userId) {
      const prefix = `${userId}/`;
      const known = [...owners].filter(([name, { entries }]) => name.startsWith(prefix) && entries.size > 0);
      return known.map(([name]) => name.slice(prefix.length)).toSorted(byCodeUnits);
    },
  };
}
