/** Runs in Node before the tests in workerd: builds the Worker, starts the local stack and hands its addresses to the Worker as bindings. */
import type { TestProject } from "vitest/node";
import { appBindings } from "../../stack/app-bindings.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startStack } from "../../stack/start-stack.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildWorker();
  const stack = await startStack();
  project.provide("stackUrl", stack.url);
  project.provide("workerBindings", { ...appBindings(stack, "http://app.test"), LOG_LEVEL: "error" });
  return () => stack.close();
}
