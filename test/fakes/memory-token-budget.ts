import type { Clock } from "../../src/core/ports.ts";
import { dayOf, type TokenBudget } from "../../src/limit/token-budget.ts";

/** Budgets in memory; held to the same cases as the real adapter by `test/contract/token-budget.test.ts`. */
export function memoryTokenBudget(clock: Clock, tokensPerDay: number): TokenBudget {
  const spent = new Map<string, number>();
  const keyOf = (userId: string): string => `${userId} ${dayOf(clock.now())}`;
  return {
    tokensPerDay,
    spent: async (userId) => spent.get(keyOf(userId)) ?? 0,
    async book(userId, tokens) {
      const total = (spent.get(keyOf(userId)) ?? 0) + tokens;
      spent.set(keyOf(userId), total);
      return total;
    },
  };
}
