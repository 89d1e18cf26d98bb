import { createMiddleware } from "hono/factory";
import { AppError } from "../../core/errors.ts";
import type { AppEnv } from "../app-env.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses what another site's page makes a browser send with our cookie. `SameSite=Lax` stops most of it; this stops
 * sister hosts of the same site too. Programs send no `Origin` and pass: they hold no cookie that they were not given.
 *
 * @throws forbidden_origin (refuse)
 */
export function sameOrigin() {
  return createMiddleware<AppEnv>(async (c, next) => {
    const origin = c.req.header("Origin");
    if (origin !== undefined && !safeMethods.has(c.req.method) && !isOurs(origin, c.req.url, c.get("wire").appUrl)) {
      throw new AppError("forbidden_origin", "Requests that change something must come from this site.");
    }
    await next();
  });
}

function isOurs(origin: string, requestUrl: string, appUrl: string): boolean {
  return origin === new URL(requestUrl).origin || origin === new URL(appUrl).origin;
}
