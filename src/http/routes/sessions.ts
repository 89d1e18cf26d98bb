import { Hono, type Context } from "hono";
import { AppError } from "../../core/errors.ts";
import type { Claim } from "../../session/claim.ts";
import type { Identity } from "../../session/identity.ts";
import type { SessionRef } from "../../session/session.ts";
import type { AppEnv } from "../app-env.ts";
import { countRequest, identityOf, presentedIn, requireIdentity, unauthenticated } from "../middleware/identity.ts";
import { clearSessionCookie, writeSessionCookie } from "../session-cookie.ts";

/** Mounted at `/api/sessions`. */
export function sessionRoutes() {
  const routes = new Hono<AppEnv>();

  routes.post("/", countRequest(), async (c) => {
    const { sessions, clock } = c.get("wire");
    const issued = await sessions.open(exchanged(c.get("claim"), presentsMore(c)));
    writeSessionCookie(c, issued, clock);
    return c.json({ userId: issued.ref.userId, expiresAt: new Date(issued.expiresAtMs).toISOString() }, 201);
  });

  routes.get("/current", requireIdentity(), (c) => {
    const { userId, tenant, scopes } = identityOf(c);
    return c.json({ userId, tenant, scopes });
  });

  // Ending a session that is not there is done already: 204 as well, and the cookie goes.
  routes.delete("/current", countRequest(), async (c) => {
    const claim = c.get("claim");
    if (claim.kind === "session") await c.get("wire").sessions.end(claim.ref);
    clearSessionCookie(c);
    return c.body(null, 204);
  });

  routes.get("/", requireIdentity(), async (c) => {
    const claim = c.get("claim");
    const own = claim.kind === "session" ? claim.ref.secretHash : undefined;
    const sessions = await c.get("wire").sessions.list(identityOf(c).userId);
    return c.json({
      sessions: sessions.map(({ ref, createdAtMs }) => ({
        id: idOf(ref),
        createdAt: new Date(createdAtMs).toISOString(),
        isCurrent: ref.secretHash === own,
      })),
    });
  });

  routes.delete("/", requireIdentity(), async (c) => {
    const ended = await c.get("wire").sessions.endAll(identityOf(c).userId);
    clearSessionCookie(c);
    return c.json({ ended });
  });

  routes.delete("/:sessionId", requireIdentity(), async (c) => {
    const { sessions } = c.get("wire");
    const found = (await sessions.list(identityOf(c).userId)).find(({ ref }) => idOf(ref) === c.req.param("sessionId"));
    if (found === undefined) throw new AppError("not_found", "There is no such session.");
    await sessions.end(found.ref);
    return c.body(null, 204);
  });

  return routes;
}

/**
 * The identity that a token vouches for: then the session is that user's. Where nothing but a cookie is presented it is a new guest's, whatever the cookie says; what
 * is presented and does not hold opens nothing.
 *
 * @throws unauthenticated (refuse)
 */
function exchanged(claim: Claim, isMoreThanCookie: boolean): Identity | undefined {
  if (claim.kind === "vouched") return claim.identity;
  if (claim.kind === "key") {
    throw new AppError("unauthenticated", "An API key opens no session: it is sent with each request.");
  }
  if (isMoreThanCookie) throw unauthenticated(claim);
  return undefined;
}

function presentsMore(c: Context<AppEnv>): boolean {
  const { authorization, actAs, operator } = presentedIn(c, undefined);
  return [authorization, actAs, operator].some((presented) => presented !== undefined);
}

/** Enough of the hash to tell a user's sessions apart. */
function idOf({ secretHash }: SessionRef): string {
  return `ses_${secretHash.slice(0, 24)}`;
}
