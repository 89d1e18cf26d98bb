/** One-time tickets for event streams. */
import { Hono } from "hono";
import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import type { AppEnv } from "../app-env.ts";
import { InvalidBody } from "../invalid-body.ts";
import { identityOf, requireIdentity, requireScope } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { scopeOf } from "../route-scope.ts";

export const WantedTicket = z.strictObject({ path: z.string().check(z.maxLength(512)) });

/** The event streams. */
const ticketPath = /^\/api\/(?:conversations\/[\w-]+\/events|runs\/[\w-]+\/events|chat\/[\w-]+\/stream)$/;

/** Mounted at `/api/tickets`. */
export function ticketRoutes() {
  return new Hono<AppEnv>().post("/", requireIdentity(), async (c) => {
    const { path } = await readJson(c, WantedTicket);
    if (!ticketPath.test(path)) {
      throw new InvalidBody([{ pointer: "/path", detail: "must be the path of an event stream, without a query" }]);
    }
    const identity = identityOf(c);
    const scope = scopeOf(path);
    if (scope !== undefined) requireScope(identity, scope);
    const ticket = await c.get("wire").tickets.issue(identity, path);
    c.header("Cache-Control", "no-store");
    return c.json({ ticket, url: `${path}?ticket=${ticket}`, expiresInSeconds: limits.ticketTtlMs / 1000 }, 201);
  });
}
