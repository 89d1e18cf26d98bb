/**
 * A turn as the AI SDK's UI message stream: each event becomes the SSE frames that `useChat` understands.
 * The same projection serves the first answer, a resume and a replay, so they cannot differ.
 * Source: ai 7.0.173, `uiMessageChunkSchema`; an unknown chunk type would break the client's chat, so only known ones are written.
 */
import type { TurnEvent } from "../event/turn-event.ts";
import type { Message, MessagePart } from "../memory/message.ts";
import { isToolPart, toolNameOf } from "./transcript.ts";

export interface UiProjection {
  /** Frames for an event, possibly none. */
  event(event: TurnEvent): string;
  /** Frame for text that is already escaped for a JSON string, without the quotes. */
  text(escaped: string): string;
  /** Frame for what no turn tells: a chunk that stands outside of texts. */
  chunk(chunk: Readonly<Record<string, unknown>>): string;
  /** Whether the call was told. */
  isCalled(toolCallId: string): boolean;
}

export function createUiProjection(): UiProjection {
  let textNumber = 0;
  let isTextOpen = false;
  let isStepOpen = false;
  let isAnswered = false;
  const called = new Set<string>();

  function closeText(): string {
    if (!isTextOpen) return "";
    isTextOpen = false;
    return frame({ type: "text-end", id: `text-${textNumber}` });
  }

  function closeStep(): string {
    const closing = closeText();
    if (!isStepOpen) return closing;
    isStepOpen = false;
    return closing + frame({ type: "finish-step" });
  }

  function text(escaped: string): string {
    let opening = "";
    if (!isTextOpen) {
      isTextOpen = true;
      textNumber += 1;
      opening = frame({ type: "text-start", id: `text-${textNumber}` });
    }
    return `${opening}data: {"type":"text-delta","id":"text-${textNumber}","delta":"${escaped}"}\n\n`;
  }

  function resumed(): string {
    if (!isStepOpen || isAnswered) return "";
    isTextOpen = false;
    isStepOpen = false;
    return frame({ type: "reset-step" });
  }

  function project(event: TurnEvent): string {
    switch (event.type) {
      case "workflow-started":
        return frame({ type: "start", messageId: event.messageId });
      case "workflow-resumed":
        return resumed();
      case "step-started": {
        const closing = closeStep();
        isStepOpen = true;
        isAnswered = false;
        called.clear();
        return closing + frame({ type: "start-step" });
      }
      case "message-delta":
        return text(JSON.stringify(event.text).slice(1, -1));
      case "step-completed":
        isAnswered = true;
        return "";
      case "tool-called":
        // Once more after a crash: the reader knows it already.
        if (called.has(event.toolCallId)) return "";
        called.add(event.toolCallId);
        return (
          closeText() +
          frame({
            type: "tool-input-available",
            toolCallId: event.toolCallId,
            toolName: event.toolName,
            input: event.input,
          })
        );
      case "tool-completed":
        return frame({ type: "tool-output-available", toolCallId: event.toolCallId, output: event.output });
      case "tool-failed":
        return frame({ type: "tool-output-error", toolCallId: event.toolCallId, errorText: event.errorText });
      case "workflow-completed":
        return closeStep() + frame({ type: "finish", finishReason: event.finishReason }) + doneFrame;
      case "workflow-stopped":
        return closeText() + frame({ type: "abort" }) + doneFrame;
      case "workflow-failed":
        return closeText() + frame({ type: "error", errorText: event.errorText }) + doneFrame;
      case "message-completed":
      case "context-compacted":
      case "segment-yielded":
      case "heartbeat":
        return "";
    }
  }

  return {
    event: project,
    text,
    chunk: (chunk) => closeText() + frame(chunk),
    isCalled: (toolCallId) => called.has(toolCallId),
  };
}

/** A finished answer as one stream, for a request that is repeated after the turn has ended. */
export function replayAnswer(answer: Message): string {
  const projection = createUiProjection();
  const frames = [frame({ type: "start", messageId: answer.id })];
  for (const part of answer.parts) {
    if (part.type === "step-start") frames.push(projection.event({ type: "step-started", step: 0 }));
    else if (part.type === "text") frames.push(projection.event({ type: "message-delta", text: part.text }));
    else if (isToolPart(part)) {
      const call = { toolCallId: part.toolCallId, toolName: toolNameOf(part) };
      frames.push(projection.event({ type: "tool-called", ...call, input: part.input }));
      frames.push(framesOfOutcome(projection, part, call));
    }
  }
  frames.push(projection.event({ type: "workflow-completed", runId: "", finishReason: "stop" }));
  return frames.join("");
}

function framesOfOutcome(
  projection: UiProjection,
  part: Extract<MessagePart, { toolCallId: string }>,
  call: { readonly toolCallId: string; readonly toolName: string },
): string {
  switch (part.state) {
    case "output-available":
      return projection.event({ type: "tool-completed", ...call, output: part.output });
    case "output-error":
      return projection.event({ type: "tool-failed", ...call, errorText: part.errorText });
    case "output-denied":
      return projection.chunk({ type: "tool-output-denied", toolCallId: call.toolCallId });
  }
}

const doneFrame = "data: [DONE]\n\n";

function frame(chunk: Record<string, unknown>): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
