/** Runs in Node before the tests in workerd: starts the local stack and hands its addresses to the Worker as bindings. */
import type { TestProject } from "vitest/node";
import { startStack } from "../../stack/start-stack.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startStack();
  project.provide("stackUrl", stack.url);
  project.provide("workerBindings", {
    UPSTASH_REDIS_REST_URL: stack.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: stack.redisToken,
    QSTASH_URL: stack.qstashUrl,
    QSTASH_TOKEN: stack.qstashToken,
    QSTASH_CURRENT_SIGNING_KEY: stack.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: stack.nextSigningKey,
    MODEL_BASE_URL: stack.modelBaseUrl,
    MODEL_API_KEY: stack.modelApiKey,
    MODEL_NAME: "offline",
    SESSION_SECRET: "a-session-secret-for-tests-only-0",
    APP_URL: "http://app.test",
    ENVIRONMENT: "development",
    LOG_LEVEL: "error",
  });
  return () => stack.close();
}
