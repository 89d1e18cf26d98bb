/**
 * Who is asking, in two steps: what signatures prove costs nothing and is done for each API request; whether that still
 * holds costs a round trip, shared with the rate limit, and is asked where a route needs it.
 */
import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { callerBucket } from "../../limit/caller.ts";
import type { LimiterName } from "../../limit/limiter.ts";
import { credentialOf, isProven, type Claim } from "../../session/claim.ts";
import type { Presented } from "../../session/claims.ts";
import type { Identity } from "../../session/identity.ts";
import type { Scope } from "../../session/scope.ts";
import type { AppEnv } from "../app-env.ts";
import { enforceLimit } from "../limit-headers.ts";
import { scopeOf } from "../route-scope.ts";
import { readSessionCookie, writeSessionCookie } from "../session-cookie.ts";

/** Sets `claim`. No I/O, but for the keys of an identity provider now and then. @throws identity_provider_unavailable (retry) */
export function readClaim() {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("claim", await c.get("wire").readClaim(presentedIn(c, readSessionCookie(c))));
    await next();
  });
}

/** @param cookie the session's, which comes along unasked. */
export function presentedIn({ req }: Context<AppEnv>, cookie: string | undefined): Presented {
  const key = req.header("X-Internal-Key");
  const tenant = req.header("X-Tenant");
  return {
    authorization: req.header("Authorization"),
    actAs: req.header("X-Act-As"),
    operator: key === undefined || tenant === undefined ? undefined : { key, tenant },
    ticket: req.method === "GET" ? req.query("ticket") : undefined,
    cookie,
    path: req.path,
  };
}

/**
 * Counts the request and sets `identity`; renews the cookie when it is an hour old. One round trip.
 *
 * @throws rate_limited, unauthenticated, insufficient_scope (all refuse)
 */
export function requireIdentity(limiter: LimiterName = "api") {
  return createMiddleware<AppEnv>(async (c, next) => {
    const passed = await c.get("wire").gate.pass({ claim: c.get("claim"), limiter, caller: callerOf(c) });
    enforceLimit(c, limiter, passed.limit);
    await admitIdentity(c, passed.identity);
    await next();
  });
}

/**
 * Sets the identity that the storage has confirmed, where it may be used for this route.
 *
 * @throws unauthenticated, insufficient_scope (both refuse)
 */
export async function admitIdentity(c: Context<AppEnv>, identity: Identity | undefined): Promise<void> {
  if (identity === undefined) throw endedOrNobody(c);
  const scope = scopeOf(c.req.path);
  if (scope !== undefined) requireScope(identity, scope);
  c.set("identity", identity);
  await renewCookie(c);
}

/** What was presented holds no longer: from now on its requests are not its user's. */
function endedOrNobody(c: Context<AppEnv>): AppError {
  const claim = c.get("claim");
  const credential = credentialOf(claim);
  if (credential !== undefined) c.get("wire").ended.note(credential);
  return unauthenticated(claim);
}

/** @throws insufficient_scope (refuse) */
export function requireScope({ scopes }: Identity, scope: Scope): void {
  if (scopes.includes(scope)) return;
  throw new AppError(
    "insufficient_scope",
    `This route asks for the scope "${scope}", which this identity does not have.`,
  );
}

/**
 * Counts the request of a caller who needs no identity: for the user where a token vouches for them, else for the network, since nothing here confirms whose it is. One
 * round trip.
 *
 * @throws rate_limited (refuse)
 */
export function countRequest(limiter: LimiterName = "api") {
  return createMiddleware<AppEnv>(async (c, next) => {
    const caller = c.get("claim").kind === "vouched" ? callerOf(c) : networkOf(c);
    const { limit } = await c.get("wire").gate.pass({ claim: { kind: "none" }, limiter, caller });
    enforceLimit(c, limiter, limit);
    await next();
  });
}

/** The identity that `requireIdentity` found. @throws unauthenticated (refuse) where it did not run. */
export function identityOf(c: Context<AppEnv>): Identity {
  const identity = c.get("identity");
  if (identity === undefined) throw unauthenticated();
  return identity;
}

/** Whom the limiters count this request for: the user, where they are known and what they present is not known to have ended. */
export function callerOf(c: Context<AppEnv>): string {
  const claim = c.get("claim");
  const credential = credentialOf(claim);
  const isEnded = credential !== undefined && c.get("wire").ended.has(credential);
  return isProven(claim) && !isEnded ? callerBucket({ ...whence(c), userId: claim.userId }) : networkOf(c);
}

function networkOf(c: Context<AppEnv>): string {
  return callerBucket({ ...whence(c), userId: undefined });
}

function whence(c: Context<AppEnv>) {
  return { address: c.req.header("CF-Connecting-IP"), requestId: c.get("requestId") };
}

/** Signs a cookie that is an hour old anew, so that a session in use does not end. No I/O. */
async function renewCookie(c: Context<AppEnv>): Promise<void> {
  const claim = c.get("claim");
  if (claim.kind !== "session") return;
  const { sessions, clock } = c.get("wire");
  const renewed = await sessions.renewal(claim);
  if (renewed !== undefined) writeSessionCookie(c, renewed, clock);
}

/** Says what is wrong with what was presented, as far as it is nobody's secret. */
export function unauthenticated(claim: Claim = { kind: "none" }): AppError {
  return new AppError("unauthenticated", wordsOf(claim));
}

function wordsOf({ kind }: Claim): string {
  switch (kind) {
    case "none":
      return "This route needs to know who asks: a session, a bearer token or an API key.";
    case "forged":
      return "What this request presents to say who asks is not valid here.";
    case "expired":
      return "What this request presents to say who asks has expired.";
    default:
      return "What this request presents to say who asks was ended.";
  }
}
