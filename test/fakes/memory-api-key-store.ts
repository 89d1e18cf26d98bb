import { limits } from "../../src/core/limits.ts";
import type { ApiKey, ApiKeyStore } from "../../src/session/api-key.ts";

export function memoryApiKeyStore(): ApiKeyStore {
  const kept = new Map<string, string>();
  const keyOf = (userId: string, id: string) => `${userId} ${id}`;
  const ofUser = (userId: string) =>
    [...kept.entries()].filter(([key]) => key.startsWith(`${userId} `)).map(([, text]) => JSON.parse(text) as ApiKey);
  return {
    async add(key) {
      if (ofUser(key.userId).length >= limits.keysPerUserMax) return "full";
      kept.set(keyOf(key.userId, key.id), JSON.stringify(key));
      return "added";
    },
    list: async (userId) => ofUser(userId).toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1)),
    async replace(after) {
      const before = ofUser(after.userId).find(({ id }) => id === after.id);
      if (before?.revision !== after.revision - 1) return false;
      kept.set(keyOf(after.userId, after.id), JSON.stringify(after));
      return true;
    },
    remove: async (userId, id) => kept.delete(keyOf(userId, id)),
  };
}
