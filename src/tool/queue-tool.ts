import { derivedExecutionId, newExecutionId } from "../core/ids.ts";
import { canonicalJson } from "../core/json.ts";
import type { Clock, Random } from "../core/ports.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { Executions, ExecutionStatus } from "./execution.ts";
import type { ToolQueue } from "./tool-queue.ts";

export interface QueueToolParts {
  readonly executions: Executions;
  readonly queue: ToolQueue;
  readonly clock: Clock;
  readonly random: Random;
}

export interface QueueRequest {
  readonly userId: string;
  readonly agentId: string;
  readonly conversationId: string | undefined;
  readonly scopes: readonly string[];
  readonly tool: string;
  /** Fits the tool's schema. */
  readonly parameters: unknown;
  readonly delaySeconds: number;
  readonly retries: number;
  /** Chosen by the caller: queued twice under it, the tool is executed once. */
  readonly deduplicationId: string | undefined;
}

export type QueueOutcome =
  | {
      readonly kind: "queued";
      readonly executionId: string;
      readonly messageId: string;
      /** Not `queued` where the id was known. */
      readonly status: ExecutionStatus;
    }
  /** The deduplication id belongs to a call with other parameters; this one will not run. */
  | { readonly kind: "taken" };

/** Queues one call. The message and its record leave at the same time, so this takes one round trip. 1 message, at most 4 billed commands. */
export async function queueTool(parts: QueueToolParts, request: QueueRequest): Promise<QueueOutcome> {
  const { userId, tool, deduplicationId, parameters, retries } = request;
  const executionId =
    deduplicationId === undefined
      ? newExecutionId(parts.random)
      : await derivedExecutionId(canonicalJson([userId, tool, deduplicationId]));
  const digest = await sha256Hex(canonicalJson([tool, parameters]));
  const queuedAtMs = parts.clock.now();
  const call = { tool, digest, queuedAtMs, notBeforeMs: queuedAtMs + request.delaySeconds * 1000, retries };
  const { agentId, conversationId, scopes } = request;
  const [known, { messageId }] = await Promise.all([
    parts.executions.open({ userId, executionId }, call),
    parts.queue.enqueue({ ...call, userId, executionId, agentId, conversationId, scopes, parameters }),
  ]);
  return known.digest === digest ? { kind: "queued", executionId, messageId, status: known.status } : { kind: "taken" };
}
