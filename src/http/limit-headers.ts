import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import type { LimitVerdict } from "../limit/limiter.ts";

/**
 * Tells the client where it stands; the headers are set before anything is thrown, so a refusal carries them too.
 *
 * @throws rate_limited (refuse) when the limit is used up.
 */
export function enforceLimit(c: Context, verdict: LimitVerdict): void {
  c.header("X-RateLimit-Limit", String(verdict.limit));
  c.header("X-RateLimit-Remaining", String(verdict.remaining));
  // Unix seconds, as the name is used elsewhere.
  c.header("X-RateLimit-Reset", String(Math.ceil(verdict.resetAtMs / 1000)));
  if (verdict.kind === "allowed") return;
  const seconds = Math.max(1, Math.ceil(verdict.retryAfterMs / 1000));
  throw new AppError(
    "rate_limited",
    `The limit of ${verdict.limit} requests a minute is used up; try again in ${seconds} s.`,
    {
      retryAfterMs: verdict.retryAfterMs,
    },
  );
}
