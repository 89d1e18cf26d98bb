/**
 * What a conversation's event list says, one type per line; `docs/protocol.md` documents the payloads for clients.
 *
 * `workflow-started` and `workflow-resumed` open a generation; the three endings close it. Text in `message-delta` is provisional
 * until `message-completed`; a `workflow-resumed` withdraws the provisional text of the step that was cut off.
 */
export interface UserText {
  readonly id: string;
  readonly text: string;
}

/** See `memory/summary.ts`. */
export interface ContextSummary {
  readonly upTo: string;
  readonly upToAt: number;
  readonly text: string;
}

/** A call as the model wrote it: the arguments may fail to parse. */
export interface CalledTool {
  readonly id: string;
  readonly name: string;
  readonly argumentsJson: string;
}

export type TurnEvent =
  | {
      readonly type: "workflow-started";
      readonly runId: string;
      readonly messageId: string;
      readonly userMessage: UserText;
      readonly at: number;
    }
  | {
      readonly type: "workflow-resumed";
      /** Tells two producers apart that take the same turn up in the same millisecond. */
      readonly attemptId: string;
      readonly runId: string;
      readonly messageId: string;
      readonly at: number;
    }
  | { readonly type: "step-started"; readonly step: number }
  /** The model's answer of that step is whole; its text is that of the deltas before. */
  | {
      readonly type: "step-completed";
      readonly step: number;
      readonly toolCalls: readonly CalledTool[];
      readonly finishReason: string;
      readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
    }
  /** The older part of the conversation, up to and including the message `upTo`, was summarised; later answers are given from the summary. */
  | { readonly type: "context-compacted"; readonly summary: ContextSummary }
  /** The segment has spent its budget; the next one takes the turn up at once. */
  | { readonly type: "segment-yielded"; readonly reason: string }
  | { readonly type: "message-delta"; readonly text: string }
  | { readonly type: "tool-called"; readonly toolCallId: string; readonly toolName: string; readonly input: unknown }
  | {
      readonly type: "tool-completed";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly output: unknown;
    }
  | { readonly type: "tool-failed"; readonly toolCallId: string; readonly toolName: string; readonly errorText: string }
  | { readonly type: "message-completed"; readonly message: unknown }
  | { readonly type: "heartbeat" }
  | TurnEnding;

export type TurnEnding =
  | { readonly type: "workflow-completed"; readonly runId: string; readonly finishReason: string }
  | { readonly type: "workflow-failed"; readonly runId: string; readonly code: string; readonly errorText: string }
  | { readonly type: "workflow-stopped"; readonly runId: string };

export type TurnOpening = Extract<TurnEvent, { type: "workflow-started" | "workflow-resumed" }>;

const eventTypes: ReadonlySet<string> = new Set([
  "workflow-started",
  "workflow-resumed",
  "step-started",
  "step-completed",
  "context-compacted",
  "segment-yielded",
  "message-delta",
  "tool-called",
  "tool-completed",
  "tool-failed",
  "message-completed",
  "heartbeat",
  "workflow-completed",
  "workflow-failed",
  "workflow-stopped",
] satisfies TurnEvent["type"][]);

export function isTurnEvent(value: unknown): value is TurnEvent {
  return typeof value === "object" && value !== null && "type" in value && eventTypes.has(String(value.type));
}

export function isEnding(event: TurnEvent): event is TurnEnding {
  return event.type === "workflow-completed" || event.type === "workflow-failed" || event.type === "workflow-stopped";
}

export function isOpening(event: TurnEvent): event is TurnOpening {
  return event.type === "workflow-started" || event.type === "workflow-resumed";
}
