/** Brings calls of tools to a delivery, at least once. */
import type { QueuedCall } from "./execution.ts";

/** What a message carries: everything that its delivery needs. The queue signs it, so it comes back as it was sent. */
export interface ToolOrder extends QueuedCall {
  readonly userId: string;
  readonly executionId: string;
  readonly agentId: string;
  readonly conversationId?: string | undefined;
  /** Of whoever queued it. */
  readonly scopes: readonly string[];
  readonly parameters: unknown;
}

/**
 * Names the message of an order. Not the execution alone: of two orders of one id with two inputs the queue would drop the second as a copy of the first, and it
 * may be the second that was noted, and promised.
 */
export function toolMessageId({ executionId, digest }: Pick<ToolOrder, "executionId" | "digest">): string {
  return `${executionId}-${digest.slice(0, 16)}`;
}

export interface ToolQueue {
  /**
   * Safe to repeat: of one execution id and input one message is made within the queue's window of deduplication. 1 round trip, 1 billed message for each attempt.
   * @throws unsupported (refuse) for a delay that this queue cannot wait.
   */
  enqueue(order: ToolOrder): Promise<{ readonly messageId: string }>;
}
