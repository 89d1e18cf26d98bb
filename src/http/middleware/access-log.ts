import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes, routePath } from "hono/route";
import { countRequest, isSendingDue, tallyOf } from "../../core/tally.ts";
import type { Clock, Log } from "../../core/ports.ts";
import type { AppEnv } from "../app-env.ts";

export interface AccessLogOptions {
  readonly clock: Clock;
  /** The log of this environment; it must not need a valid configuration, for failures of that are logged too. */
  readonly logOf: (env: Env) => Log;
}

/**
 * One entry per request: method, path template, status, milliseconds. The template, not the path, so that entries group
 * and hold no ids. It also gives the request its log, and counts it.
 */
export function accessLog({ clock, logOf }: AccessLogOptions) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const startedAtMs = clock.now();
    const log = logOf(c.env).with({ requestId: c.get("requestId") });
    c.set("log", log);
    await next();
    const { method } = c.req;
    const request = { method, route: templateOf(c), status: c.res.status };
    const nowMs = clock.now();
    log.info("request", { ...request, durationMs: nowMs - startedAtMs });
    const wire = c.get("wire") as AppEnv["Variables"]["wire"] | undefined;
    const tally = tallyOf(c.env, nowMs);
    countRequest(tally, request);
    // Without a wire there is nobody to send to: the configuration is broken.
    if (wire?.sendTally !== undefined && isSendingDue(tally, wire.clock.now())) {
      c.executionCtx.waitUntil(wire.sendTally(tally).catch((cause: unknown) => log.warn("a sum is lost", { cause })));
    }
  });
}

/** Of the route that answers: the first that is for one method alone. Behind it may be more that match, and middleware; where only that matches, there is no route. */
function templateOf(c: Context): string {
  return matchedRoutes(c).find(({ method }) => method !== "ALL")?.path ?? routePath(c, -1);
}
