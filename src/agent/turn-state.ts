import type { LogRecord } from "../event/log-record.ts";
import type { EventId } from "../event/event-id.ts";
import { isEnding, type TurnEnding, type TurnEvent, type UserText } from "../event/turn-event.ts";
import type { AnswerState, Message, MessagePart } from "../memory/message.ts";
import type { Summary } from "../memory/summary.ts";
import { createTokenCount } from "./turn-tokens.ts";

/** One turn as its events tell it; the fold of a prefix is the turn at that moment. */
export interface TurnState {
  readonly runId: string;
  readonly messageId: string;
  readonly userMessage: UserText;
  readonly startedAt: number;
  readonly parts: readonly MessagePart[];
  /** That the turn has made of what came before. */
  readonly summary?: Summary;
  /** What its model calls have used. */
  readonly tokens: number;
  /** Number of model calls begun. */
  readonly step: number;
  readonly ending?: TurnEnding;
  /** Place of the turn's first event, and of its last one so far. */
  readonly first: EventId;
  readonly last: EventId;
  /** Unix ms of the last record. */
  readonly lastAt: number;
  /** The last segment gave the turn back, and no other has taken it up yet. */
  readonly isYielded: boolean;
}

/** The newest turn in the log, or `undefined` when its opening is not retained. */
export function currentTurn(records: readonly LogRecord[]): TurnState | undefined {
  const from = records.findLastIndex((record) => record.event.type === "workflow-started");
  const opening = records[from];
  if (opening === undefined || opening.event.type !== "workflow-started") return undefined;
  const { runId, messageId, userMessage } = opening.event;
  const fold = createPartsFold();
  const count = createTokenCount(userMessage.text);
  let ending: TurnEnding | undefined;
  let summary: Summary | undefined;
  for (const record of records.slice(from)) {
    fold.add(record.event);
    count.add(record.event);
    if (isEnding(record.event)) ending = record.event;
    if (record.event.type === "context-compacted") summary = record.event.summary;
  }
  const last = records.at(-1) ?? opening;
  return {
    runId,
    messageId,
    userMessage,
    startedAt: opening.at,
    parts: fold.parts(),
    tokens: count.tokens(),
    step: fold.step(),
    ...(summary === undefined ? {} : { summary }),
    ...(ending === undefined ? {} : { ending }),
    first: opening.id,
    last: last.id,
    lastAt: last.at,
    isYielded: last.event.type === "segment-yielded",
  };
}

export interface PartsFold {
  add(event: TurnEvent): void;
  parts(): MessagePart[];
  step(): number;
}

/** Collects an answer's parts from its events. Tool calls without a result yet are left out of `parts`. */
export function createPartsFold(): PartsFold {
  let parts: MessagePart[] = [];
  let stepStart = 0;
  let step = 0;
  /** Whether the model's answer of this step is whole: then whoever takes the turn up keeps it. */
  let isAnswered = false;
  const inputs = new Map<string, unknown>();

  function add(event: TurnEvent): void {
    switch (event.type) {
      case "step-started":
        stepStart = parts.length;
        step = event.step;
        isAnswered = false;
        parts.push({ type: "step-start" });
        return;
      case "step-completed":
        isAnswered = true;
        return;
      case "message-delta":
        addText(event.text);
        return;
      case "tool-called":
        inputs.set(event.toolCallId, event.input);
        return;
      case "tool-completed":
        parts.push({
          type: `tool-${event.toolName}`,
          state: "output-available",
          toolCallId: event.toolCallId,
          input: inputs.get(event.toolCallId),
          output: event.output,
        });
        return;
      case "tool-failed":
        parts.push({
          type: `tool-${event.toolName}`,
          state: "output-error",
          toolCallId: event.toolCallId,
          input: inputs.get(event.toolCallId),
          errorText: event.errorText,
        });
        return;
      case "workflow-resumed":
        if (isAnswered) return;
        parts = parts.slice(0, stepStart);
        step = Math.max(0, step - 1);
        return;
      default:
        return;
    }
  }

  function addText(text: string): void {
    const last = parts.at(-1);
    if (last?.type === "text") parts[parts.length - 1] = { type: "text", text: last.text + text };
    else parts.push({ type: "text", text });
  }

  return { add, parts: () => [...parts], step: () => step };
}

/** The assistant message that a turn leaves behind. */
export function answerMessage(
  turn: { messageId: string; userMessage: UserText; parts: readonly MessagePart[] },
  state: AnswerState,
  at: number,
): Message {
  return {
    id: turn.messageId,
    role: "assistant",
    parts: [...turn.parts],
    metadata: { at, replyTo: turn.userMessage.id, state },
  };
}
