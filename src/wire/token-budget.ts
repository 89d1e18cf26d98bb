import type { TokenBudget } from "../limit/token-budget.ts";
import { upstashTokenBudget } from "../upstash/token-budget.ts";
import type { Adapters } from "./adapters.ts";

/** `undefined` where nobody counts tokens. */
export function tokenBudgetOf({ config, redis, clock }: Adapters): TokenBudget | undefined {
  const { tokensPerDay } = config;
  return tokensPerDay === undefined ? undefined : upstashTokenBudget(redis, clock, tokensPerDay);
}
