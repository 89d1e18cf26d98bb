import type { Message, MessagePart } from "../memory/message.ts";
import { fenceOutput } from "./fence.ts";
import type { ModelMessage, ModelToolCall } from "./model-port.ts";

type ToolPart = Extract<MessagePart, { toolCallId: string }>;

/** Stored messages as the model's API wants them: each step of an answer is one assistant message, followed by its tools' results. */
export function toModelMessages(messages: readonly Message[]): ModelMessage[] {
  return messages.flatMap((message) =>
    message.role === "user" ? [{ role: "user" as const, content: userText(message) }] : answerMessages(message.parts),
  );
}

/** The steps of one answer, also of one that is not finished yet. */
function answerMessages(parts: readonly MessagePart[]): ModelMessage[] {
  return splitSteps(parts).flatMap(stepMessages);
}

export function toolNameOf(part: ToolPart): string {
  return part.type.slice("tool-".length);
}

export function isToolPart(part: MessagePart): part is ToolPart {
  return "toolCallId" in part;
}

function userText(message: Message): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

function splitSteps(parts: readonly MessagePart[]): MessagePart[][] {
  const steps: MessagePart[][] = [];
  for (const part of parts) {
    if (part.type === "step-start" || steps.length === 0) steps.push([]);
    if (part.type !== "step-start") steps.at(-1)?.push(part);
  }
  return steps.filter((step) => step.length > 0);
}

function stepMessages(step: readonly MessagePart[]): ModelMessage[] {
  const text = step.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  const toolParts = step.filter(isToolPart);
  const toolCalls: ModelToolCall[] = toolParts.map((part) => ({
    id: part.toolCallId,
    name: toolNameOf(part),
    argumentsJson: JSON.stringify(part.input ?? {}),
  }));
  const assistant: ModelMessage = { role: "assistant", content: text === "" ? null : text };
  return [
    toolCalls.length === 0 ? assistant : { ...assistant, toolCalls },
    ...toolParts.map((part): ModelMessage => ({
      role: "tool",
      toolCallId: part.toolCallId,
      content: toolResult(part),
    })),
  ];
}

function toolResult(part: ToolPart): string {
  if (part.state === "output-available") return fenceOutput(part.output);
  const error = part.state === "output-denied" ? (part.approval.reason ?? "The user denied it.") : part.errorText;
  return fenceOutput({ error });
}
