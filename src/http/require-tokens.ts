import type { Context } from "hono";
import { allowanceOf, budgetSpent } from "../limit/token-budget.ts";
import type { AppEnv } from "./app-env.ts";
import { identityOf } from "./middleware/identity.ts";

/** Lets in who may still spend tokens today. One round trip where they are counted, none where they are not. @throws rate_limited (refuse) */
export async function requireTokens(c: Context<AppEnv>): Promise<void> {
  const { tokenBudget, clock } = c.get("wire");
  if (tokenBudget === undefined) return;
  const { userId, tokensPerDay: keyTokensPerDay } = identityOf(c);
  const spent = await tokenBudget.spent(userId);
  const allowance = allowanceOf({ spent, tokensPerDay: tokenBudget.tokensPerDay, keyTokensPerDay, nowMs: clock.now() });
  if (allowance.left <= 0) throw budgetSpent(allowance, clock.now());
}
