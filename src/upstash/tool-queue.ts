import { toolMessageId, type ToolOrder, type ToolQueue } from "../tool/tool-queue.ts";
import type { Publisher } from "./qstash.ts";

/** Where QStash brings calls of tools, and what became of those that it gave up; the router serves the same paths. */
export const toolPaths = {
  deliver: (tool: string) => `/api/tools/${tool}`,
  failed: "/api/webhooks/qstash/failure",
} as const;

export interface UpstashToolQueueOptions {
  readonly qstash: Publisher;
  /** Without a slash at the end. */
  readonly appUrl: string;
}

/** Calls of tools as QStash messages. QStash counts time in seconds: what is delayed comes up to a second late, never early. */
export function upstashToolQueue({ qstash, appUrl }: UpstashToolQueueOptions): ToolQueue {
  return {
    enqueue: (order) =>
      qstash.publish({
        url: `${appUrl}${toolPaths.deliver(order.tool)}`,
        body: JSON.stringify(order),
        headers: { "content-type": "application/json" },
        retries: order.retries,
        retryDelay: toolRetryDelay,
        label: order.userId,
        deduplicationId: toolMessageId(order),
        failureCallback: failureUrl(appUrl, order),
        ...(order.notBeforeMs > order.queuedAtMs ? { notBefore: Math.ceil(order.notBeforeMs / 1000) } : {}),
      }),
  };
}

/** QStash signs the URL too, so what stands in it comes back as it was written. */
function failureUrl(appUrl: string, { userId, executionId }: ToolOrder): string {
  return `${appUrl}${toolPaths.failed}?${new URLSearchParams({ kind: "tool", userId, executionId }).toString()}`;
}

/** 5, 30, 180 s, …: what a tool needs takes a while to come back. An answer's `Retry-After` goes before it. */
const toolRetryDelay = "5000 * pow(6, retried)";
