import type { RunningStack } from "../../stack/start-stack.ts";

/** What set-up is told by a person who has their account on this stack. */
export function setupAnswers(stack: RunningStack, appUrl: string): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: stack.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: stack.redisToken,
    QSTASH_URL: stack.qstashUrl,
    QSTASH_TOKEN: stack.qstashToken,
    MODEL_BASE_URL: stack.modelBaseUrl,
    MODEL_API_KEY: stack.modelApiKey,
    MODEL_NAME: "offline",
    APP_URL: appUrl,
  };
}
