import type { Clock, Log } from "../core/ports.ts";
import { budgetSpent, type TokenBudget } from "../limit/token-budget.ts";
import { estimateTokens } from "../memory/tokens.ts";
import { askModel } from "./ask-model.ts";
import type { Model, ModelRequest } from "./model-port.ts";
import type { CountedAnswer } from "./run/agent-services.ts";

export interface CountedParts {
  readonly model: Model;
  /** Absent where nobody counts tokens. */
  readonly budget: TokenBudget | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A model call outside of a turn, within the user's tokens of the day. Each call that is made is booked once: inside of a step it is booked again only when it is made
 * again. A call that fails, or after which the isolate dies, is not booked.
 *
 * @throws rate_limited (refuse) when the day's tokens are used up; else as `Model.stream` does.
 */
export async function askCounted(
  { model, budget, clock, log }: CountedParts,
  request: ModelRequest,
  userId: string,
): Promise<CountedAnswer> {
  if (budget === undefined) return askModel(model, request);
  if ((await budget.spent(userId)) >= budget.tokensPerDay) throw budgetSpent(budget, clock.now());
  const answer = await askModel(model, request);
  const { inputTokens, outputTokens } = answer.usage ?? {
    inputTokens: request.messages.reduce((sum, { content }) => sum + estimateTokens(content ?? ""), 0),
    outputTokens: estimateTokens(answer.text),
  };
  try {
    return { ...answer, tokensLeft: budget.tokensPerDay - (await budget.book(userId, inputTokens + outputTokens)) };
  } catch (cause) {
    // To ask again would cost the tokens again.
    log.warn("tokens are not booked", { tokens: inputTokens + outputTokens, cause });
    return answer;
  }
}
