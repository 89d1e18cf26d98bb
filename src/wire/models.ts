/** The provider's models. A chunk of its own: few requests ask for them. */
import type { CacheRule } from "../cache/cache.ts";
import { sha256Hex } from "../core/sha256.ts";
import { listModels } from "../model/openai-models.ts";
import type { Adapters } from "./adapters.ts";
import { createCacheOf } from "./cache.ts";

export interface ModelList {
  readonly models: readonly string[];
  /** Which one answers where nothing else is said. */
  readonly default: string;
}

const minuteMs = 60_000;
const rule: CacheRule = { freshMs: 10 * minuteMs, staleMs: 60 * minuteMs, nearMs: minuteMs };

/** What a key may use is the key's: another provider or key has a list of its own. */
export async function modelList(adapters: Adapters): Promise<ModelList> {
  const { baseUrl, apiKey, name } = adapters.config.model;
  const key = apiKey.reveal();
  const place = { name: `models.${await sha256Hex(`${baseUrl} ${key}`)}` };
  const models = await createCacheOf(adapters).withCache(place, rule, () =>
    listModels({ baseUrl, apiKey: key, fetch: adapters.fetch }),
  );
  return { models, default: name };
}
