/**
 * What a turn's model is told of its conversation. While the conversation fits nothing is done; when it begins to be too long its older part is summarised, as a step of
 * the turn beside the answer, and only where it does not fit any more the answer waits for that.
 */
import { limits } from "../core/limits.ts";
import type { Log } from "../core/ports.ts";
import type { RunContext, StepContext } from "../engine/run-context.ts";
import { StepFailed } from "../engine/failures.ts";
import { buildContext } from "../memory/context.ts";
import { planCompaction } from "../memory/compaction.ts";
import type { Message } from "../memory/message.ts";
import type { Summary } from "../memory/summary.ts";
import { estimateTokens } from "../memory/tokens.ts";
import { summaryMessage, summaryOf, summaryRequest } from "./compact.ts";
import type { ModelMessage, ModelTool } from "./model-port.ts";
import type { ModelAnswer } from "./tool-loop.ts";
import { toModelMessages } from "./transcript.ts";

export interface SummaryServices {
  /** Asks the model without showing its answer to anybody. */
  readonly summarise: (messages: readonly ModelMessage[], step: StepContext) => Promise<ModelAnswer>;
}

export interface TurnContextParts {
  readonly systemPrompt: string;
  readonly tools: readonly ModelTool[];
  readonly userText: string;
  readonly history: readonly Message[];
  readonly summary: Summary | undefined;
  /** What the model takes; see `Config.model.contextTokens`. */
  readonly contextTokens: number;
  /** Whether an earlier segment of the turn has asked the model already: then nothing waits for a summary. */
  readonly hasAnswer: boolean;
  readonly log: Log;
}

export interface TurnContext {
  readonly opening: readonly ModelMessage[];
  /** Settles when nothing is being summarised any more. */
  readonly settled: Promise<unknown>;
}

export const summaryStep = "summary";

/** Of what the model takes, for its answer and for what its tools say. */
const answerShare = 1 / 4;

export async function openTurn(ctx: RunContext<SummaryServices>, parts: TurnContextParts): Promise<TurnContext> {
  const { history, summary } = parts;
  const budgetTokens = historyBudget(parts);
  const plan = planCompaction({ messages: history, summary, budgetTokens });
  const request = plan && summaryRequest(plan, summary, budgetTokens);
  const making =
    plan === undefined || request === undefined
      ? Promise.resolve(undefined)
      : makeSummary(ctx, parts.log, async (step) => summaryOf(plan, await ctx.services.summarise(request, step)));
  const known = plan?.isUrgent === true && !parts.hasAnswer ? ((await making) ?? summary) : summary;
  const told = buildContext({ messages: history, summary: known, budgetTokens });
  const opening: ModelMessage[] = [
    { role: "system", content: parts.systemPrompt },
    ...(told.summary === undefined ? [] : [summaryMessage(told.summary)]),
    ...toModelMessages(told.messages),
    { role: "user", content: parts.userText },
  ];
  return { opening, settled: making };
}

/** A summary that cannot be had is no failure of the turn. */
async function makeSummary(
  { step }: RunContext<SummaryServices>,
  log: Log,
  body: (step: StepContext) => Promise<Summary | undefined>,
): Promise<Summary | undefined> {
  try {
    // Tried again by the next turn: this one's reader waits for it.
    return await step(summaryStep, body, { retries: 0, timeout: limits.summaryMsMax });
  } catch (cause) {
    if (!(cause instanceof StepFailed)) throw cause;
    log.warn("a conversation could not be summarised", { cause });
    return undefined;
  }
}

function historyBudget({ contextTokens, systemPrompt, tools, userText }: TurnContextParts): number {
  const fixed = [systemPrompt, JSON.stringify(tools), userText].reduce((sum, text) => sum + estimateTokens(text), 0);
  return Math.max(0, Math.floor(contextTokens * (1 - answerShare)) - fixed);
}
