/**
 * A turn's journal is the event list of its conversation: what a run writes into a list of its own, a turn writes as events, and reads back from them. So a turn costs
 * no command more than its events do.
 *
 * | record | event |
 * |---|---|
 * | a model step is done | `step-completed`; its text stands in the `message-delta`s before it |
 * | a tool step is done | `tool-completed` or `tool-failed` |
 * | the summary is done | `context-compacted` |
 */
import type { JsonValue } from "../core/json.ts";
import type { SegmentRecord } from "../engine/journal-entry.ts";
import { createNumbering } from "../engine/number-steps.ts";
import { newDraft } from "../engine/run-draft.ts";
import type { RunState, SettledStep } from "../engine/run-state.ts";
import type { TurnEvent } from "../event/turn-event.ts";
import type { ModelToolCall } from "./model-port.ts";
import type { Summary } from "../memory/summary.ts";
import { summaryStep } from "./turn-context.ts";
import { modelStep, toolStep, type ModelAnswer, type ToolOutcome } from "./tool-loop.ts";

/** The outcomes that a turn's events tell, in their order. */
export function settledSteps(events: readonly TurnEvent[], startedAt: number): SettledStep[] {
  const settled: SettledStep[] = [];
  /** As the context names them. */
  const numbered = createNumbering("", () => undefined);
  let text = "";
  let calls = new Map<string, string>();

  function settle(step: string, value: unknown): void {
    // Tools run beside each other; 1 has their outcomes handed out one by one, as they came.
    const beside = step.startsWith(modelStep) ? 0 : 1;
    const outcome = { kind: "done", value: value as JsonValue } as const;
    settled.push({ step, outcome, at: startedAt, beside, isUndoable: false, emitted: 0, turn: undefined });
  }

  for (const event of events) {
    switch (event.type) {
      case "step-started":
        text = "";
        break;
      case "message-delta":
        text += event.text;
        break;
      case "step-completed": {
        calls = new Map(event.toolCalls.map((call) => [call.id, numbered(toolStep(call))]));
        settle(numbered(modelStep), answerOf(event, text));
        break;
      }
      case "context-compacted":
        settle(summaryStep, event.summary);
        break;
      case "tool-completed":
        settle(calls.get(event.toolCallId) ?? "", { kind: "ok", output: event.output });
        break;
      case "tool-failed":
        settle(calls.get(event.toolCallId) ?? "", { kind: "failed", errorText: event.errorText });
        break;
      default:
        break;
    }
  }
  return settled;
}

function answerOf(event: Extract<TurnEvent, { type: "step-completed" }>, text: string): ModelAnswer {
  const { toolCalls, finishReason, usage } = event;
  return { text, toolCalls, finishReason, ...(usage === undefined ? {} : { usage }) };
}

/** The event for a record; `undefined` for what readers learn in another way: a failure is in the ending. */
export function eventOfRecord(
  record: SegmentRecord,
  step: number,
  callOf: (stepName: string) => ModelToolCall | undefined,
): TurnEvent | undefined {
  if (record.type !== "done") return undefined;
  if (record.step.startsWith(modelStep)) {
    const { toolCalls, finishReason, usage } = record.value as unknown as ModelAnswer;
    return { type: "step-completed", step, toolCalls, finishReason, ...(usage === undefined ? {} : { usage }) };
  }
  if (record.step === summaryStep) {
    return record.value === undefined
      ? undefined
      : { type: "context-compacted", summary: record.value as unknown as Summary };
  }
  const call = callOf(record.step);
  if (call === undefined) return undefined;
  const named = { toolCallId: call.id, toolName: call.name };
  const outcome = record.value as unknown as ToolOutcome;
  return outcome.kind === "ok"
    ? { type: "tool-completed", ...named, output: outcome.output }
    : { type: "tool-failed", ...named, errorText: outcome.errorText };
}

/** What the interpreter needs to know of a turn; nothing of it changes while a segment runs. */
export function turnRunState(settled: readonly SettledStep[], startedAt: number): RunState {
  return { ...newDraft(), startedAt, lastAt: startedAt, segments: 1, settled: [...settled] };
}
