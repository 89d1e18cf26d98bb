/**
 * Who is asking, in two steps: what the cookie's signature proves costs nothing and is done for each API request; whether
 * the session is still alive costs a round trip, shared with the rate limit, and is done where a route needs it.
 */
import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { callerBucket } from "../../limit/caller.ts";
import type { LimiterName } from "../../limit/limiter.ts";
import type { AppEnv } from "../app-env.ts";
import { enforceLimit } from "../limit-headers.ts";
import { readSessionCookie, writeSessionCookie } from "../session-cookie.ts";

/** Sets `claim`. No I/O. */
export function sessionClaim() {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("claim", await c.get("wire").sessions.claim(readSessionCookie(c)));
    await next();
  });
}

/**
 * Counts the request and sets `identity`; renews the cookie when it is a day old. One round trip.
 *
 * @throws rate_limited, unauthenticated (both refuse)
 */
export function requireIdentity(limiter: LimiterName = "api") {
  return createMiddleware<AppEnv>(async (c, next) => {
    const claim = c.get("claim");
    const session = claim.kind === "signed" ? claim.ref : undefined;
    const passed = await c.get("wire").gate.pass({ session, limiter, caller: callerOf(c) });
    enforceLimit(c, passed.limit);
    if (passed.session === undefined) throw unauthenticated();
    c.set("identity", { userId: passed.session.userId });
    await renewCookie(c);
    await next();
  });
}

/** Counts the request of a caller who needs no session. One round trip. @throws rate_limited (refuse) */
export function countRequest(limiter: LimiterName = "api") {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { limit } = await c.get("wire").gate.pass({ session: undefined, limiter, caller: callerOf(c) });
    enforceLimit(c, limit);
    await next();
  });
}

/** The identity that `requireIdentity` found. @throws unauthenticated (refuse) where it did not run. */
export function identityOf(c: Context<AppEnv>) {
  const identity = c.get("identity");
  if (identity === undefined) throw unauthenticated();
  return identity;
}

/** Whom the limiters count this request for. */
export function callerOf(c: Context<AppEnv>): string {
  const claim = c.get("claim");
  return callerBucket({
    userId: claim.kind === "signed" ? claim.ref.userId : undefined,
    address: c.req.header("CF-Connecting-IP"),
    requestId: c.get("requestId"),
  });
}

/** Signs a cookie that is a day old anew, so that a session in use does not end. No I/O. */
export async function renewCookie(c: Context<AppEnv>): Promise<void> {
  const claim = c.get("claim");
  if (claim.kind !== "signed") return;
  const { sessions, clock } = c.get("wire");
  const renewed = await sessions.renewal(claim);
  if (renewed !== undefined) writeSessionCookie(c, renewed, clock);
}

export function unauthenticated(): AppError {
  return new AppError("unauthenticated", "This route needs a session; POST /api/sessions opens one.");
}
