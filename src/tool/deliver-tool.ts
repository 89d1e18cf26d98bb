import type { ToolParts } from "./call-context.ts";
import type { Executions, ToolDelivery } from "./execution.ts";
import type { ToolRegistry } from "./registry.ts";
import { runTool } from "./run-tool.ts";
import { isPassing, type ToolFailure } from "./tool-failure.ts";
import type { ToolOrder } from "./tool-queue.ts";

export interface DeliverToolParts<Services> {
  readonly registry: ToolRegistry<Services>;
  readonly tools: ToolParts<Services>;
  readonly executions: Executions;
}

export interface DeliverToolRequest {
  readonly order: ToolOrder;
  readonly delivery: ToolDelivery;
  /** Whether the queue will try again what fails in passing. */
  readonly isRetried: boolean;
  readonly signal: AbortSignal;
}

export type DeliverOutcome =
  | { readonly kind: "completed"; readonly output: unknown }
  /** Nothing was done, and nothing is to be done: the message is not of this execution. */
  | { readonly kind: "dropped" }
  /** Another attempt would not help. */
  | { readonly kind: "failed"; readonly failure: ToolFailure }
  | { readonly kind: "retrying"; readonly failure: ToolFailure };

/**
 * One delivery of a queued call. Delivered twice it answers twice and counts once; a tool that acts does so once.
 * 2 round trips beside the tool's own.
 * @throws redis_unavailable (retry)
 */
export async function deliverTool<Services>(
  { registry, tools, executions }: DeliverToolParts<Services>,
  { order, delivery, isRetried, signal }: DeliverToolRequest,
): Promise<DeliverOutcome> {
  const { userId, executionId, agentId, conversationId, tool, scopes } = order;
  const ref = { userId, executionId };
  const begun = await executions.begin(ref, order, delivery);
  if (begun.kind === "completed") return begun;
  if (begun.kind === "foreign") return { kind: "dropped" };
  const call = { name: tool, argumentsJson: JSON.stringify(order.parameters ?? {}) };
  const result = await runTool(registry, call, {
    ...tools,
    log: tools.log.with({ executionId }),
    userId,
    agentId,
    conversationId,
    callKey: executionId,
    grant: { tools: [tool], scopes },
    // Whoever queued the call asked for it by name and input.
    isApproved: true,
    signal,
  });
  if (result.kind === "ok") {
    await executions.end(ref, { kind: "completed", output: result.output });
    return { kind: "completed", output: result.output };
  }
  const kind = isPassing(result) && isRetried ? "retrying" : "failed";
  await executions.end(ref, { kind, failure: result });
  return { kind, failure: result };
}
