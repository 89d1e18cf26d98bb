/** What tests of queued tools ask the app for. */
import { signDelivery } from "../../stack/qstash/signature.ts";
import type { TestApp, TestCaller } from "./test-app.ts";

export interface ExecutionView {
  readonly executionId: string;
  readonly tool: string;
  readonly status: string;
  readonly attempts: number;
  readonly queuedAt: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly dead?: { readonly at: number; readonly status: number; readonly cause: string; readonly id?: string };
  readonly [other: string]: unknown;
}

export interface Queued {
  readonly executionId: string;
  readonly messageId: string;
  readonly status: string;
}

export async function queueTool(caller: TestCaller, tool: string, body: object): Promise<Queued> {
  const response = await caller.post(`/api/tools/${tool}/queue`, body);
  if (response.status !== 202) throw new Error(`not queued: ${response.status} ${await response.text()}`);
  return (await response.json()) as Queued;
}

export async function readExecution(caller: TestCaller, executionId: string): Promise<ExecutionView> {
  const response = await caller.fetch(`/api/tools/executions/${executionId}`);
  if (response.status !== 200) throw new Error(`no execution: ${response.status}`);
  return (await response.json()) as ExecutionView;
}

/** A delivery as QStash makes it, or nearly so. */
export async function deliver(
  app: Pick<TestApp, "url" | "stack" | "fetch">,
  path: string,
  body: unknown,
  o: { readonly key?: string; readonly signedPath?: string; readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const signature = signDelivery({
    url: `${app.url}${o.signedPath ?? path}`,
    body: Buffer.from(text),
    signingKey: o.key ?? app.stack.currentSigningKey,
    issuedAtMs: Date.now(),
  });
  return app.fetch(path, {
    method: "POST",
    body: text,
    headers: { "content-type": "application/json", "Upstash-Signature": signature, ...o.headers },
  });
}
