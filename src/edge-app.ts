/**
 * What most requests are for: chats and sessions, behind the middleware that every request passes. The Worker's entry; everything else is loaded when it is first
 * asked for (`app.ts`).
 */
import { Hono } from "hono";
import { AppError } from "./core/errors.ts";
import type { AppEnv } from "./http/app-env.ts";
import { logFailure } from "./http/log-failure.ts";
import { accessLog } from "./http/middleware/access-log.ts";
import { firstGate } from "./http/middleware/first-gate.ts";
import { readClaim } from "./http/middleware/identity.ts";
import { requestId } from "./http/middleware/request-id.ts";
import { sameOrigin } from "./http/middleware/same-origin.ts";
import { securityHeaders } from "./http/middleware/security-headers.ts";
import { serverTiming } from "./http/middleware/server-timing.ts";
import { answerProblem } from "./http/problem.ts";
import { chatRoutes } from "./http/routes/chat.ts";
import { healthRoutes, readyRoutes } from "./http/routes/operations.ts";
import { sessionRoutes } from "./http/routes/sessions.ts";
import { logOf } from "./log-of.ts";
import { systemClock } from "./system/clock.ts";
import { systemRandom } from "./system/random.ts";
import type { Wire } from "./wire.ts";
import type { Invocation } from "./wire/adapters.ts";

/**
 * @param wire builds the services of one request; tests pass one over fakes.
 * @param logs where the entries of an environment go; the console without it.
 */
export function createEdgeApp(wire: (invocation: Invocation) => Wire, logs = logOf): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId(systemRandom));
  app.use(accessLog({ clock: systemClock, logOf: logs }));
  app.use(securityHeaders());
  app.route("/health", healthRoutes());
  app.use(async (c, next) => {
    c.set("wire", wire({ env: c.env, log: c.get("log"), waitUntil: (work) => c.executionCtx.waitUntil(work) }));
    await next();
  });
  app.use(serverTiming());
  // Each look costs a command, and anybody may ask.
  app.use("/ready", firstGate());
  app.route("/ready", readyRoutes());
  app.use("/api/*", firstGate());
  app.use("/api/*", sameOrigin());
  app.use("/api/*", readClaim());
  app.route("/api/sessions", sessionRoutes());
  app.route("/api/chat", chatRoutes());
  app.notFound((c) => answerProblem(c, new AppError("not_found", "There is no such route."), c.get("requestId")));
  app.onError((error, c) => {
    logFailure(c.get("log"), error);
    return answerProblem(c, error, c.get("requestId"));
  });
  return app;
}

/** Whether the edge has all the routes below this path. */
export function isEdgePath(pathname: string): boolean {
  return /^\/(?:health|ready|api\/(?:sessions|chat))(?:\/|$)/.test(pathname);
}
