import type { CachePlace, CacheStore } from "../../src/cache/cache-store.ts";
import type { Clock } from "../../src/core/ports.ts";

/** A cache in memory; held to the same cases as the real adapter by `test/contract/cache-store.test.ts`. */
export function memoryCacheStore(clock: Clock): CacheStore {
  const kept = new Map<string, { readonly text: string; readonly until: number }>();
  let stamps = 0;
  const valueKey = ({ owner = "", name }: CachePlace): string => `value ${owner} ${name}`;
  const claimKey = ({ owner = "", name }: CachePlace): string => `claim ${owner} ${name}`;
  const tagKey = (owner: string | undefined, tag: string): string => `tag ${owner ?? ""} ${tag}`;

  function get(key: string): string | undefined {
    const entry = kept.get(key);
    return entry !== undefined && entry.until > clock.now() ? entry.text : undefined;
  }
  function put(key: string, text: string, ttlMs: number): void {
    kept.set(key, { text, until: clock.now() + ttlMs });
  }
  const read = (place: CachePlace) => ({
    text: get(valueKey(place)),
    stamp: (place.tags ?? []).map((tag) => get(tagKey(place.owner, tag)) ?? "").join(","),
  });

  return {
    read: async (place) => read(place),
    async claim(place, token, leaseMs) {
      const isMine = get(claimKey(place)) === undefined;
      if (isMine) put(claimKey(place), token, leaseMs);
      return { ...read(place), isMine };
    },
    async complete(place, token, text, ttlMs) {
      if (get(claimKey(place)) !== token) return false;
      put(valueKey(place), text, ttlMs);
      kept.delete(claimKey(place));
      return true;
    },
    async release(place, token) {
      if (get(claimKey(place)) === token) kept.delete(claimKey(place));
    },
    async put(place, text, ttlMs) {
      put(valueKey(place), text, ttlMs);
      kept.delete(claimKey(place));
    },
    async forget(place) {
      kept.delete(valueKey(place));
      kept.delete(claimKey(place));
    },
    async forgetTag({ owner, tag }, keepMs) {
      put(tagKey(owner, tag), String((stamps += 1)), keepMs);
    },
  };
}
