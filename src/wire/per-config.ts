import type { Config } from "../config.ts";

/** What an isolate keeps between requests: one for each configuration, of which a deployed isolate has one. */
export function perConfig<T>(create: () => T): (config: Config) => T {
  const kept = new WeakMap<Config, { readonly value: T }>();
  return (config) => {
    const known = kept.get(config) ?? { value: create() };
    kept.set(config, known);
    return known.value;
  };
}
