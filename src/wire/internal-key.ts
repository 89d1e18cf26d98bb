import type { Config } from "../config.ts";
import { Secret } from "../core/secret.ts";

/** Without a key of its own the app's calls to itself are proven by the secret that it has anyway. */
export function internalKeyOf({ internalKey, sessionSecret }: Config): Secret {
  return internalKey ?? new Secret(`internal:${sessionSecret.reveal()}`);
}
