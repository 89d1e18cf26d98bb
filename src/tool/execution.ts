/**
 * A call of a tool that goes through the queue, and what is known of it.
 *
 * X1 An execution that has completed stays so: later deliveries, failures and callbacks change nothing, and its first result is the result.
 * X2 An id is one execution of one tool with one input. A message of that id with another input has no effect.
 * X3 A delivery that comes twice is one attempt.
 */
import type { ToolFailure } from "./tool-failure.ts";

export interface ExecutionRef {
  readonly userId: string;
  readonly executionId: string;
}

/**
 * `queued` until its first delivery; `running`; `retrying` after a failure that will be tried again; `completed`; `failed` when another attempt would not help;
 * `dead` once the queue has given up. A dead one that another message brings runs again.
 */
export type ExecutionStatus = "queued" | "running" | "retrying" | "completed" | "failed" | "dead";

/** What is known when it is queued; each message carries it, so that it does not matter which comes first, the record or the delivery. */
export interface QueuedCall {
  readonly tool: string;
  /** Tells calls of one tool with different inputs apart. */
  readonly digest: string;
  readonly queuedAtMs: number;
  readonly notBeforeMs: number;
  /** Attempts after the first that the queue makes. */
  readonly retries: number;
}

/** Why and when the queue gave up. The message, with what was asked for, is in the queue's own list of dead letters. */
export interface Death {
  readonly atMs: number;
  /** Of the last answer; 0 when there was none. */
  readonly status: number;
  readonly cause: string;
  readonly messageId: string;
  readonly deadLetterId: string | undefined;
}

export interface Execution extends QueuedCall {
  readonly status: ExecutionStatus;
  readonly attempts: number;
  /** Of the last delivery, or of the message that the queue has given up. */
  readonly messageId: string | undefined;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** Of one that has completed. */
  readonly output: unknown;
  /** Of the last attempt that failed. */
  readonly failure: Pick<ToolFailure, "code" | "errorText"> | undefined;
  readonly death: Death | undefined;
}

/** Names one attempt of one message. */
export interface ToolDelivery {
  readonly messageId: string;
  /** 0 for the first attempt. */
  readonly retried: number;
}

export type BeginAnswer =
  | { readonly kind: "begun" }
  | { readonly kind: "completed"; readonly output: unknown }
  /** The id belongs to a call with another input. */
  | { readonly kind: "foreign" };

export type AttemptEnd =
  | { readonly kind: "completed"; readonly output: unknown }
  | { readonly kind: "failed" | "retrying"; readonly failure: ToolFailure };

/** Executions of all users; each is forgotten `limits.executionTtlSeconds` after it was queued. One method, one atomic change, 1 round trip. */
export interface Executions {
  /** Notes it, if nothing is known of it yet. Answers what is known. 4 billed commands, 2 when it is known. */
  open(ref: ExecutionRef, call: QueuedCall): Promise<Pick<Execution, "digest" | "status">>;
  /** An attempt begins. At most 5 billed commands; for one that has completed 4, and a second round trip. */
  begin(ref: ExecutionRef, call: QueuedCall, delivery: ToolDelivery): Promise<BeginAnswer>;
  /** 5 billed commands. */
  end(ref: ExecutionRef, end: AttemptEnd): Promise<void>;
  /** The queue has given up. False when it had completed all the same, or is not known; a record that comes soon after is dead. 8 billed commands. */
  bury(ref: ExecutionRef, death: Death): Promise<boolean>;
  /** `undefined` for what is not the user's. 2 billed commands. */
  read(ref: ExecutionRef): Promise<Execution | undefined>;
}
