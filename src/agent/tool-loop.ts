/**
 * Model, tools, model, … until the model has nothing more to do. Each model call is one step and each tool call is one step: nothing that was paid for is
 * bought twice, wherever the segment ends.
 */
import { limits } from "../core/limits.ts";
import type { RunContext, StepContext } from "../engine/run-context.ts";
import { fenceOutput } from "./fence.ts";
import type { ModelMessage, ModelToolCall, ModelUsage } from "./model-port.ts";

/** What the model said in one call. */
export interface ModelAnswer {
  readonly text: string;
  readonly toolCalls: readonly ModelToolCall[];
  readonly finishReason: string;
  readonly usage?: ModelUsage;
}

export type ToolOutcome =
  | { readonly kind: "ok"; readonly output: unknown }
  | { readonly kind: "failed"; readonly errorText: string };

export interface LoopServices {
  /** Asks the model; whoever watches sees the answer grow. @param call counts the calls of the turn from 1. */
  readonly ask: (messages: readonly ModelMessage[], call: number, step: StepContext) => Promise<ModelAnswer>;
  /** Whether what the user may spend today is spent; asked after each model call. */
  readonly isBudgetSpent: () => boolean;
  /** A failing tool is an answer, not an exception. */
  readonly runTool: (call: ModelToolCall, step: StepContext) => Promise<ToolOutcome>;
}

export interface LoopEnd {
  /** `tool-steps` when the model wanted more tools than it may have, `day-tokens` when it wanted them after the day's tokens were spent. */
  readonly finishReason: string;
}

export const modelStep = "model";

export function toolStep(call: Pick<ModelToolCall, "id">): string {
  return `tool ${call.id}`;
}

/** @throws StepFailed when the model fails. */
export async function toolLoop(
  { step, services, all }: RunContext<LoopServices>,
  opening: readonly ModelMessage[],
): Promise<LoopEnd> {
  const messages: ModelMessage[] = [...opening];
  for (let call = 1; ; call += 1) {
    // A second attempt would be paid for again, and its text would replace what the reader has seen: that is for the user to decide.
    const answer = await step(modelStep, (context) => services.ask(messages, call, context), {
      retries: 0,
      timeout: limits.modelStepMsMax,
    });
    if (answer.toolCalls.length === 0) return { finishReason: answer.finishReason };
    if (services.isBudgetSpent()) return { finishReason: "day-tokens" };
    const outcomes = await all(
      answer.toolCalls.map((toolCall) =>
        step(toolStep(toolCall), (context) => services.runTool(toolCall, context), {
          retries: 0,
          timeout: limits.toolStepMsMax,
        }),
      ),
    );
    if (call >= limits.toolStepsMax) return { finishReason: "tool-steps" };
    messages.push(said(answer), ...answer.toolCalls.map((toolCall, index) => told(toolCall, outcomes[index]!)));
  }
}

function said({ text, toolCalls }: ModelAnswer): ModelMessage {
  return { role: "assistant", content: text === "" ? null : text, toolCalls: [...toolCalls] };
}

function told(call: ModelToolCall, outcome: ToolOutcome): ModelMessage {
  const content = outcome.kind === "ok" ? outcome.output : { error: outcome.errorText };
  return { role: "tool", toolCallId: call.id, content: fenceOutput(content) };
}
