import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { countDecision, tallyOf } from "../core/tally.ts";
import type { LimiterName, LimitVerdict } from "../limit/limiter.ts";
import type { AppEnv } from "./app-env.ts";

/**
 * Counts what a limiter has decided, in the isolate, and tells the client where it stands; the headers are set before anything is thrown, so a refusal carries them too.
 *
 * Source: draft-ietf-httpapi-ratelimit-headers-10 (`RateLimit-Policy`, `RateLimit`); `X-RateLimit-*` as the documents have them.
 *
 * @param verdict of this limiter; `undefined` where nobody could be asked, and the limiter lets through then.
 * @throws rate_limited (refuse) when the limit is used up.
 */
export function enforceLimit(c: Context<AppEnv>, limiter: LimiterName, verdict: LimitVerdict | undefined): void {
  const nowMs = c.get("wire").clock.now();
  countDecision(tallyOf(c.env, nowMs), limiter, decisionOf(verdict));
  if (verdict === undefined) return;
  const { name, limit, remaining, resetAtMs, retryAfterMs } = verdict;
  const secondsLeft = Math.max(0, Math.ceil((resetAtMs - nowMs) / 1000));
  c.header("RateLimit-Policy", `"${name}";q=${limit};w=${limits.limiterWindowMs / 1000}`);
  c.header("RateLimit", `"${name}";r=${remaining};t=${secondsLeft}`);
  c.header("X-RateLimit-Limit", String(limit));
  c.header("X-RateLimit-Remaining", String(remaining));
  // Unix seconds, as the name is used elsewhere.
  c.header("X-RateLimit-Reset", String(Math.ceil(resetAtMs / 1000)));
  if (verdict.kind === "allowed") return;
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  throw new AppError("rate_limited", `The limit of ${limit} requests a minute is used up; try again in ${seconds} s.`, {
    retryAfterMs,
  });
}

function decisionOf(verdict: LimitVerdict | undefined) {
  if (verdict === undefined) return "uncounted";
  return verdict.kind === "allowed" ? "allowed" : "refused";
}
