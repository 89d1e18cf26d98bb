/** What calls that go through the queue need, on either side of it. A chunk of its own: chats call their tools themselves. */
import type { ToolParts } from "../tool/call-context.ts";
import type { DeliverToolParts } from "../tool/deliver-tool.ts";
import type { QueueToolParts } from "../tool/queue-tool.ts";
import type { ToolQueue } from "../tool/tool-queue.ts";
import { upstashExecutions } from "../upstash/executions.ts";
import type { Adapters } from "./adapters.ts";
import { toolRegistry, type ToolServices } from "./tools.ts";

export interface QueuedTools extends DeliverToolParts<ToolServices>, QueueToolParts {}

export function createQueuedTools(
  { redis, clock, random }: Adapters,
  tools: ToolParts<ToolServices>,
  queue: ToolQueue,
): QueuedTools {
  return { registry: toolRegistry, tools, executions: upstashExecutions(redis, clock), queue, clock, random };
}
