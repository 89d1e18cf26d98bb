/** Runs in Node before the tests in workerd: builds the Worker, starts the local stack and hands its addresses to the Worker as bindings. */
import type { TestProject } from "vitest/node";
import * as z from "zod";
import { appBindings } from "../../stack/app-bindings.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startStack } from "../../stack/start-stack.ts";
import { startRemoteMcp } from "../support/remote-mcp.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildWorker();
  const stack = await startStack();
  project.provide("stackUrl", stack.url);
  const remote = await startRemoteMcp((server) => {
    const contract = { inputSchema: { text: z.string() }, annotations: { readOnlyHint: true } };
    server.registerTool("find", contract, ({ text }) => ({ content: [{ type: "text", text: `found ${text}` }] }));
  });
  project.provide("remoteMcpUrl", remote.url);
  const bindings = { ...appBindings(stack, "http://app.test"), EGRESS_ALLOWED_HOSTS: remote.host, LOG_LEVEL: "debug" };
  project.provide("workerBindings", bindings);
  return async () => {
    await stack.close();
    await remote.close();
  };
}
