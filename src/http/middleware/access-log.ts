import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { Clock, Log } from "../../core/ports.ts";
import type { AppEnv } from "../app-env.ts";

export interface AccessLogOptions {
  readonly clock: Clock;
  /** The log of this environment; it must not need a valid configuration, for failures of that are logged too. */
  readonly logOf: (env: Env) => Log;
}

/**
 * One entry per request: method, path template, status, milliseconds. The template, not the path, so that entries group
 * and hold no ids. It also gives the request its log.
 */
export function accessLog({ clock, logOf }: AccessLogOptions) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const startedAtMs = clock.now();
    const log = logOf(c.env).with({ requestId: c.get("requestId") });
    c.set("log", log);
    await next();
    log.info("request", {
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      durationMs: clock.now() - startedAtMs,
    });
  });
}
