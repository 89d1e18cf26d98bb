/** The environment that the Worker gets on this machine: the local stack by URL and token, as if it were the real thing. */
import { OFFLINE_EMBEDDING_NAME, OFFLINE_MODEL_NAME } from "./model/model-front.ts";
import type { RunningStack } from "./start-stack.ts";

/** Public, and therefore only for a Worker that nobody else can reach. */
const LOCAL_SESSION_SECRET = "local-development-session-secret-which-is-public";
export const LOCAL_INTERNAL_KEY = "local-development-internal-key-which-is-public";
/** For a state that nobody keeps; `npm start` has a key of its own. */
export const LOCAL_ENCRYPTION_KEYS = "local:bG9jYWwtZGV2ZWxvcG1lbnQta2V5LTMyLWJ5dGVzISE=";

/** @param appUrl the address at which browsers and QStash reach the app. */
export function appBindings(stack: RunningStack, appUrl: string): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: stack.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: stack.redisToken,
    QSTASH_URL: stack.qstashUrl,
    QSTASH_TOKEN: stack.qstashToken,
    QSTASH_CURRENT_SIGNING_KEY: stack.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: stack.nextSigningKey,
    MODEL_BASE_URL: stack.modelBaseUrl,
    MODEL_API_KEY: stack.modelApiKey,
    MODEL_NAME: OFFLINE_MODEL_NAME,
    EMBEDDING_BASE_URL: stack.modelBaseUrl,
    EMBEDDING_API_KEY: stack.modelApiKey,
    EMBEDDING_NAME: OFFLINE_EMBEDDING_NAME,
    RESTAURANT_URL: stack.restaurantUrl,
    // Takes the place of the resolver in wrangler.toml: nothing here needs the internet.
    EGRESS_DNS_URL: "",
    SESSION_SECRET: LOCAL_SESSION_SECRET,
    INTERNAL_SYSTEM_KEY: LOCAL_INTERNAL_KEY,
    ENCRYPTION_KEYS: LOCAL_ENCRYPTION_KEYS,
    APP_URL: appUrl,
    ENVIRONMENT: "development",
    // The smaller one, so that what runs here fits into either.
    WORKERS_PLAN: "free",
  };
}
