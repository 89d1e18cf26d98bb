/** What a run of an agent leaves in its conversation: the goal as the user's message, and what came of it as the answer. */
import type { ConversationNote } from "../../engine/journal.ts";
import type { RunEnd, RunStart } from "../../engine/run-definition.ts";
import { limits } from "../../core/limits.ts";
import { userMessage, type AnswerState, type Message, type MessagePart } from "../../memory/message.ts";
import type { AgentRunOutput } from "./agent-output.ts";
import { approvalId } from "./approval-id.ts";
import type { AgentRunInput } from "./agent-run.ts";
import type { StepResult } from "./phase.ts";

type Note = Omit<ConversationNote, "conversationId">;

/** Of the answer that a run gives. */
export function answerIdOf(runId: string): string {
  return runId.replace(/^run_/, "msg_");
}

function questionIdOf(runId: string, { messageId }: AgentRunInput): string {
  return messageId ?? runId.replace(/^run_/, "msg_goal_");
}

export function openingNote({ ref, input, startedAtMs }: RunStart<AgentRunInput>): Note {
  const question = userMessage(questionIdOf(ref.runId, input), input.goal, startedAtMs);
  return { messages: [JSON.stringify(question)], title: input.goal.slice(0, limits.conversationTitleCharsMax) };
}

export function closingNote(end: RunEnd<AgentRunInput>): Note {
  const { ref, input, endedAtMs } = end;
  const answer: Message = {
    id: answerIdOf(ref.runId),
    role: "assistant",
    parts: partsOf(end),
    metadata: { at: endedAtMs, replyTo: questionIdOf(ref.runId, input), state: stateOf(end) },
  };
  return { messages: [JSON.stringify(answer)], title: input.goal.slice(0, limits.conversationTitleCharsMax) };
}

function stateOf({ outcome }: RunEnd<AgentRunInput>): AnswerState {
  if (outcome.status === "completed") return "complete";
  return outcome.status === "failed" ? "failed" : "stopped";
}

function partsOf({ ref, outcome }: RunEnd<AgentRunInput>): MessagePart[] {
  if (outcome.status !== "completed") return [{ type: "text", text: outcome.failure.message }];
  const { results, summary } = outcome.output as unknown as AgentRunOutput;
  return [
    { type: "step-start" },
    ...results.flatMap((result) => partOf(ref.runId, result)),
    { type: "step-start" },
    { type: "text", text: summary },
  ];
}

/** None for a step that was not tried. */
function partOf(runId: string, result: StepResult): MessagePart[] {
  const call = { type: `tool-${result.tool}`, toolCallId: result.id, input: result.parameters ?? {} } as const;
  switch (result.status) {
    case "done":
      return [{ ...call, state: "output-available", output: result.output }];
    case "failed":
      return [{ ...call, state: "output-error", errorText: result.errorText }];
    case "denied": {
      const approval = { id: approvalId(runId, result.id), approved: false, reason: result.errorText } as const;
      return [{ ...call, state: "output-denied", approval }];
    }
    case "skipped":
      return [];
  }
}
