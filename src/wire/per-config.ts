import type { Config } from "../config.ts";

/** What an isolate keeps between requests: one for each configuration, of which a deployed isolate has one. */
export function perConfig<T extends object, More extends readonly unknown[]>(
  create: (config: Config, ...more: More) => T,
): (config: Config, ...more: More) => T {
  const kept = new WeakMap<Config, T>();
  return (config, ...more) => {
    const known = kept.get(config) ?? create(config, ...more);
    kept.set(config, known);
    return known;
  };
}
