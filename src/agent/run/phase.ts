import type { JsonValue } from "../../core/json.ts";
import { RunFailed, StepFailed } from "../../engine/failures.ts";
import type { RunContext } from "../../engine/run-context.ts";
import { fence } from "../fence.ts";
import type { ModelMessage, ModelTool } from "../model-port.ts";
import type { ModelAnswer } from "../tool-loop.ts";
import { limits } from "../../core/limits.ts";
import type { Agent } from "./agent.ts";
import type { Actor, AgentServices, AgentTools, CountedAnswer, KnownFact } from "./agent-services.ts";
import type { Plan } from "./plan.ts";
import type { SpendingAccount } from "./spending-account.ts";

/**
 * What a phase needs of the run that it is part of. The engine's context has it, Upstash Workflow's is adapted to it, and a phase that is called by itself gets one that
 * journals nothing.
 */
export type PhaseContext = Pick<
  RunContext<AgentServices>,
  "step" | "all" | "waitForSignal" | "emit" | "now" | "services"
>;

export interface PhaseRun {
  readonly ctx: PhaseContext;
  readonly agent: Agent;
  readonly actor: Actor;
  readonly tools: AgentTools;
  readonly goal: string;
  readonly account: SpendingAccount;
}

interface TriedStep {
  readonly id: string;
  readonly tool: string;
  /**
   * What the tool was called with, or would have been: references are resolved, and whoever approved it may have changed it. Shortened. Absent for a step that was not tried, and
   * where a caller tells of results without it.
   */
  readonly parameters?: JsonValue;
}

/** What became of a planned step. */
export type StepResult = TriedStep &
  (
    | { readonly status: "done"; readonly output: unknown }
    | { readonly status: "failed" | "denied" | "skipped"; readonly errorText: string }
  );

export interface PlanAndResults {
  readonly plan: Plan;
  readonly results: readonly StepResult[];
}

export interface Question {
  /** Name of the step. */
  readonly name: string;
  readonly messages: readonly ModelMessage[];
  readonly tools?: readonly ModelTool[];
  readonly answerSchema?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
}

/** The user's tokens of the day were used up before the model was asked. A run that does not catch it fails in words. */
class DaySpent extends RunFailed {
  constructor(message: string) {
    super(message, { code: "rate_limited" });
    this.name = "DaySpent";
  }
}

/** One model call is one step, and its price is booked. @throws StepFailed, DaySpent */
export async function ask(run: PhaseRun, question: Question): Promise<ModelAnswer> {
  const { ctx, account } = run;
  try {
    const answer = await askOnce(run, question);
    account.noteDay(answer.tokensLeft, ctx.now());
    account.addModelCall(answer.usage, {
      inputChars: question.messages.reduce((sum, { content }) => sum + (content?.length ?? 0), 0),
      outputChars: answer.text.length,
    });
    return answer;
  } catch (error) {
    if (!(error instanceof StepFailed) || error.failure.code !== "rate_limited") throw error;
    throw new DaySpent(error.failure.message);
  }
}

/** `undefined` when the day's tokens were used up before the model was asked. */
export async function unlessDaySpent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DaySpent) return undefined;
    throw error;
  }
}

function askOnce({ ctx, agent, actor }: PhaseRun, question: Question): Promise<CountedAnswer> {
  const { name, messages, tools = [], answerSchema } = question;
  return ctx.step(
    name,
    async ({ signal }) => {
      const said = await ctx.services.askModel(
        {
          messages,
          tools,
          ...(agent.model === undefined ? {} : { modelName: agent.model }),
          ...(answerSchema === undefined ? {} : { answerSchema }),
        },
        signal,
        actor,
      );
      return { ...said, text: said.text.slice(0, limits.agentAnswerCharsMax) };
    },
    { effect: "read", retries: limits.modelRetries, timeout: limits.modelStepMsMax },
  );
}

/** What the agent knows that may help with its goal; nothing when it cannot be had. */
export async function recallFacts({ ctx, actor, goal }: PhaseRun): Promise<readonly KnownFact[]> {
  try {
    return await ctx.step("recall", () => ctx.services.recall(actor, goal), { effect: "read", retries: 1 });
  } catch (error) {
    if (error instanceof StepFailed) return [];
    throw error;
  }
}

/** Text from outside stands in a fence of its own: it is data, whatever it says. */
export function fenced(label: string, value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const cut = text.length > limits.promptPartCharsMax ? `${text.slice(0, limits.promptPartCharsMax)} … (cut)` : text;
  return fence(label, cut);
}
