/** The shape without a plan: model, tools, model, … with one model call per step, until the model has nothing more to do or a limit is reached. */
import { parseForeignJson } from "../../core/foreign-json.ts";
import { limits } from "../../core/limits.ts";
import { fenceRule } from "../fence.ts";
import type { ModelMessage, ModelToolCall } from "../model-port.ts";
import type { ModelAnswer } from "../tool-loop.ts";
import { agentRunOutput, type AgentRunOutput } from "./agent-output.ts";
import { executeCalls } from "./execution.ts";
import { ask, fenced, recallFacts, unlessDaySpent, type PhaseRun, type StepResult } from "./phase.ts";
import type { PlannedStep } from "./plan.ts";
import { limitWords, type LimitName } from "./spending-account.ts";

export async function runLoop(run: PhaseRun): Promise<AgentRunOutput> {
  const { ctx, account } = run;
  const tools = run.tools.describe();
  const facts = await recallFacts(run);
  const messages: ModelMessage[] = [
    { role: "system", content: loopPrompt(run) },
    ...(facts.length === 0 ? [] : [{ role: "user" as const, content: fenced("what-you-know", facts) }]),
    { role: "user", content: run.goal },
  ];
  const steps: PlannedStep[] = [];
  const results: StepResult[] = [];
  let limit: LimitName | undefined;
  let summary = "";
  for (;;) {
    const answer = await unlessDaySpent(ask(run, { name: "model", messages, tools }));
    if (answer === undefined) {
      limit = "day-tokens";
      break;
    }
    summary = answer.text.trim() === "" ? summary : answer.text;
    if (answer.toolCalls.length === 0) break;
    limit = account.reached(ctx.now());
    if (limit !== undefined) break;
    const planned = answer.toolCalls.map((call, index) => plannedOf(call, `call-${steps.length + index + 1}`));
    const done = await executeCalls(run, planned);
    steps.push(...planned);
    results.push(...done);
    messages.push(said(answer), ...answer.toolCalls.map((call, index) => told(call, done[index]!)));
  }
  if (limit !== undefined) ctx.emit("limit-reached", { limit });
  const words =
    limit === undefined ? summary : `${summary}\n\nThe run stopped at its limit in ${limitWords(limit)}.`.trim();
  return agentRunOutput({ summary: words, steps, results, remembered: [], limit, spent: account.read() });
}

function plannedOf(call: ModelToolCall, id: string): PlannedStep {
  return { id, tool: call.name, parameters: parametersOf(call), dependsOn: [], why: "" };
}

/** What cannot be parsed fails the tool's own check, in words that the model reads. */
function parametersOf({ argumentsJson }: ModelToolCall): Record<string, unknown> {
  const value = argumentsJson.trim() === "" ? {} : parseForeignJson(argumentsJson);
  if (value === undefined) return { unreadable: argumentsJson.slice(0, limits.failureCharsMax) };
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : { value };
}

function said({ text, toolCalls }: ModelAnswer): ModelMessage {
  return { role: "assistant", content: text === "" ? null : text, toolCalls: [...toolCalls] };
}

function told(call: ModelToolCall, result: StepResult): ModelMessage {
  const content = result.status === "done" ? (result.output ?? null) : { error: result.errorText };
  return { role: "tool", toolCallId: call.id, content: fenced("tool-output", content) };
}

function loopPrompt({ ctx, agent }: PhaseRun): string {
  return [
    "You reach a user's goal with tools. When there is nothing more to do, tell the user what came of it.",
    fenceRule,
    ...(agent.instructions === undefined ? [] : [fenced("instructions-of-the-agent", agent.instructions)]),
    `Now it is ${new Date(ctx.now()).toISOString()}.`,
  ].join("\n");
}
