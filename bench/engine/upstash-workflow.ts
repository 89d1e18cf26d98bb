/** The Upstash Workflow SDK in the same Worker, over the same stack: each step is a delivery, and the workflow's last line tells us that it is over. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@upstash/workflow";
import type { Contender } from "./contender.ts";

export interface UpstashWorkflowOptions {
  readonly workerUrl: string;
  readonly qstashUrl: string;
  readonly qstashToken: string;
  readonly cpuMs: () => Promise<number>;
}

/** `undefined` when the stack does not speak Upstash Workflow. */
export async function openUpstashWorkflow(o: UpstashWorkflowOptions): Promise<Contender | undefined> {
  const headers = { authorization: `Bearer ${o.qstashToken}` };
  const answer = await fetch(`${o.qstashUrl}/v2/workflows/events?groupBy=workflowRunId`, { headers });
  if (!answer.ok) return undefined;
  const client = new Client({ baseUrl: o.qstashUrl, token: o.qstashToken, enableTelemetry: false, devMode: false });
  const waiting = new Map<string, () => void>();
  const server = createServer((request, response) => {
    waiting.get(request.url ?? "")?.();
    response.end();
  }).listen(0, "127.0.0.1");
  server.unref();
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let count = 0;
  return {
    name: "Upstash Workflow SDK 1.3.3",
    durability: "the stack's memory, where its deliveries are",
    cpuMs: o.cpuMs,
    async run(steps) {
      const path = `/${(count += 1)}`;
      const done = new Promise<void>((resolve) => waiting.set(path, resolve));
      const body = { steps, doneUrl: `http://127.0.0.1:${port}${path}` };
      await client.trigger({ url: `${o.workerUrl}/workflow`, body, retries: 0 });
      await done;
      waiting.delete(path);
    },
  };
}
