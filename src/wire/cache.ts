/** The cache of one invocation, over what its isolate remembers. */
import { createCache, type Cache } from "../cache/cache.ts";
import { createIsolateCache } from "../cache/isolate-cache.ts";
import { limits } from "../core/limits.ts";
import { upstashCacheStore } from "../upstash/cache.ts";
import type { Adapters } from "./adapters.ts";
import { perConfig } from "./per-config.ts";

export const isolateCacheOf = perConfig(() =>
  createIsolateCache({ entriesMax: limits.isolateCacheEntriesMax, bytesMax: limits.isolateCacheBytesMax }),
);

export function createCacheOf(adapters: Adapters): Cache {
  const { config, redis, random } = adapters;
  return createCache({ ...adapters, store: upstashCacheStore(redis, random), isolate: isolateCacheOf(config) });
}
