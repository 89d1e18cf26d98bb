import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { countRequest, identityOf, requireIdentity } from "../middleware/identity.ts";
import { clearSessionCookie, writeSessionCookie } from "../session-cookie.ts";

/** Mounted at `/api/sessions`. */
export function sessionRoutes() {
  const routes = new Hono<AppEnv>();

  routes.post("/", countRequest(), async (c) => {
    const { sessions, clock } = c.get("wire");
    const issued = await sessions.open();
    writeSessionCookie(c, issued, clock);
    return c.json({ userId: issued.ref.userId, expiresAt: new Date(issued.expiresAtMs).toISOString() }, 201);
  });

  routes.get("/current", requireIdentity(), (c) => c.json({ userId: identityOf(c).userId }));

  // Ending a session that is not there is done already: 204 as well, and the cookie goes.
  routes.delete("/current", countRequest(), async (c) => {
    const claim = c.get("claim");
    if (claim.kind === "signed") await c.get("wire").sessions.end(claim.ref);
    clearSessionCookie(c);
    return c.body(null, 204);
  });

  return routes;
}
