import { createMiddleware } from "hono/factory";
import { AppError } from "../../core/errors.ts";
import { networkOf } from "../../limit/caller.ts";
import type { AppEnv } from "../app-env.ts";

/** Source: Cloudflare, Workers rate limiting binding. */
export interface RateLimitBinding {
  limit(of: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** As `[[ratelimits]]` of wrangler.toml has it. */
const windowMs = 60_000;

/** What the queue delivers comes from a few addresses, and is signed. */
const deliveries = /^\/api\/(?:(?:engine|workflows|webhooks)\/|tools\/[^/]+$)/;

/** Nobody comes from there to Cloudflare; of `wrangler dev` everybody does. */
const thisMachine = /^(?:127\.|0:0:0:0::\/64$)/;

/**
 * The Workers rate limit, per network address and location of Cloudflare: it stops a flood before that costs a command. It counts roughly, and costs nothing; what
 * users may is counted behind it. Without the binding, and when it fails, everybody passes.
 *
 * @throws rate_limited (refuse)
 */
export function firstGate() {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { RATE_LIMITER: binding } = c.env as { RATE_LIMITER?: RateLimitBinding };
    const address = networkOf(c.req.header("CF-Connecting-IP") ?? "");
    if (binding !== undefined && address !== undefined && !thisMachine.test(address) && !deliveries.test(c.req.path)) {
      const passes = await binding.limit({ key: address }).catch((cause: unknown) => {
        c.get("log").warn("the first gate could not be asked", { cause });
        return { success: true };
      });
      if (!passes.success) {
        throw new AppError("rate_limited", "Too many requests come from this address.", { retryAfterMs: windowMs });
      }
    }
    await next();
  });
}
