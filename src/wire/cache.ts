/** The cache of one invocation, over what its isolate remembers. */
import { createCache, type Cache } from "../cache/cache.ts";
import { createIsolateCache, type IsolateCache } from "../cache/isolate-cache.ts";
import type { Config } from "../config.ts";
import { limits } from "../core/limits.ts";
import { upstashCacheStore } from "../upstash/cache.ts";
import type { Adapters } from "./adapters.ts";

/** One for each isolate, which has one configuration. */
const isolates = new WeakMap<Config, IsolateCache>();

export function isolateCacheOf(config: Config): IsolateCache {
  const known = isolates.get(config);
  if (known !== undefined) return known;
  const { isolateCacheEntriesMax: entriesMax, isolateCacheBytesMax: bytesMax } = limits;
  const isolate = createIsolateCache({ entriesMax, bytesMax });
  isolates.set(config, isolate);
  return isolate;
}

export function createCacheOf(adapters: Adapters): Cache {
  const { config, redis, random } = adapters;
  return createCache({ ...adapters, store: upstashCacheStore(redis, random), isolate: isolateCacheOf(config) });
}
