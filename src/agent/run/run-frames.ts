/**
 * A run of an agent as the AI SDK's UI message stream: `useChat` shows its calls, asks for its approvals and reads its summary, as if it were a turn.
 * Source: ai 7.0.173, `uiMessageChunkSchema`.
 */
import type { RunEvent } from "../../engine/run-event.ts";
import { createUiProjection } from "../ui-projection.ts";
import type { AgentRunOutput } from "./agent-output.ts";
import type { AgentToolOutcome } from "./agent-services.ts";
import { approvalId } from "./approval-id.ts";
import { stepNameOf } from "./execution.ts";
import { answerIdOf } from "./run-messages.ts";

export interface RunFrames {
  /** Frames for an event, possibly none. */
  event(event: RunEvent): string;
  /** Ends the stream while the run waits for the user's word. */
  rest(): string;
  /** Whether the run waits for somebody's word, so that nothing comes before it is given. */
  isWaiting(): boolean;
  /** Whether the stream has ended. */
  isOver(): boolean;
}

interface CallPayload {
  readonly stepId: string;
  readonly tool: string;
  readonly parameters?: unknown;
  readonly errorText?: string;
  readonly approved?: boolean;
}

export function createRunFrames(runId: string): RunFrames {
  const ui = createUiProjection();
  const asked = new Set<string>();
  const calls = new Map<string, CallPayload>();
  let isOver = false;
  let steps = 0;

  function end(frames: string): string {
    isOver = true;
    return frames;
  }

  function call({ stepId, tool, parameters }: CallPayload): string {
    calls.set(stepNameOf(stepId), { stepId, tool });
    return ui.event({ type: "tool-called", toolCallId: stepId, toolName: tool, input: parameters });
  }

  function answered({ stepId, tool, parameters, approved }: CallPayload): string {
    asked.delete(stepId);
    if (approved === false) return ui.chunk({ type: "tool-output-denied", toolCallId: stepId });
    // It may have been changed by whoever approved it.
    return parameters === undefined
      ? ""
      : ui.chunk({ type: "tool-input-available", toolCallId: stepId, toolName: tool, input: parameters });
  }

  function stepEnded(step: unknown, outcome: AgentToolOutcome): string {
    const told = calls.get(String(step));
    if (told === undefined) return "";
    const named = { toolCallId: told.stepId, toolName: told.tool };
    return outcome.kind === "ok"
      ? ui.event({ type: "tool-completed", ...named, output: outcome.output })
      : ui.event({ type: "tool-failed", ...named, errorText: outcome.errorText });
  }

  function project({ type, data }: RunEvent): string {
    const payload = data["payload"] as unknown as CallPayload;
    switch (type) {
      case "workflow-started": {
        const { at } = data as { at: number };
        const opening = { runId, messageId: answerIdOf(runId), userMessage: { id: "", text: "" }, at };
        return ui.event({ type: "workflow-started", ...opening });
      }
      case "phase-started":
        return ui.event({ type: "step-started", step: (steps += 1) });
      case "plan-created":
        return ui.chunk({ type: "data-plan", data: payload, transient: true });
      case "tool-called":
        return call(payload);
      case "tool-refused": {
        const { stepId, tool, errorText = "" } = payload;
        return call(payload) + ui.event({ type: "tool-failed", toolCallId: stepId, toolName: tool, errorText });
      }
      case "approval-requested":
        asked.add(payload.stepId);
        return (
          call(payload) +
          ui.chunk({
            type: "tool-approval-request",
            approvalId: approvalId(runId, payload.stepId),
            toolCallId: payload.stepId,
          })
        );
      case "approval-answered":
        return answered({ ...payload, tool: calls.get(stepNameOf(payload.stepId))?.tool ?? "" });
      case "step-completed":
        return stepEnded(data["step"], data["result"] as unknown as AgentToolOutcome);
      case "step-failed":
        return stepEnded(data["step"], { kind: "failed", errorText: messageOf(data) });
      case "workflow-completed": {
        const { summary } = data["output"] as unknown as AgentRunOutput;
        const finish = { type: "workflow-completed", runId, finishReason: "stop" } as const;
        return end(ui.event({ type: "message-delta", text: summary }) + ui.event(finish));
      }
      case "workflow-cancelled":
        return end(ui.event({ type: "workflow-stopped", runId }));
      case "workflow-failed":
      case "workflow-parked":
        return end(ui.event({ type: "workflow-failed", runId, code: "internal", errorText: messageOf(data) }));
      default:
        return "";
    }
  }

  return {
    event: project,
    rest: () => end(ui.event({ type: "workflow-completed", runId, finishReason: "tool-calls" })),
    isWaiting: () => asked.size > 0,
    isOver: () => isOver,
  };
}

function messageOf(data: RunEvent["data"]): string {
  const { failure } = data as { failure?: { message?: string } };
  return failure?.message ?? "The run failed.";
}
