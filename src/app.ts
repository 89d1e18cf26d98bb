/** The routes of the Worker, built once per isolate: the order of the middleware, every mount, the one error edge. */
import { Hono } from "hono";
import { AppError } from "./core/errors.ts";
import type { AppEnv } from "./http/app-env.ts";
import { logFailure } from "./http/log-failure.ts";
import { accessLog } from "./http/middleware/access-log.ts";
import { readClaim } from "./http/middleware/identity.ts";
import { requestId } from "./http/middleware/request-id.ts";
import { sameOrigin } from "./http/middleware/same-origin.ts";
import { securityHeaders } from "./http/middleware/security-headers.ts";
import { answerProblem } from "./http/problem.ts";
import { agentRoutes } from "./http/routes/agents.ts";
import { chatRoutes } from "./http/routes/chat.ts";
import { conversationRoutes } from "./http/routes/conversations.ts";
import { engineRoutes } from "./http/routes/engine.ts";
import { executeRoutes } from "./http/routes/execute.ts";
import { memoryRoutes } from "./http/routes/memory.ts";
import { healthRoutes, readyRoutes } from "./http/routes/operations.ts";
import { runRoutes } from "./http/routes/runs.ts";
import { scheduleRoutes } from "./http/routes/schedules.ts";
import { sessionRoutes } from "./http/routes/sessions.ts";
import { toolRoutes } from "./http/routes/tools.ts";
import { workflowRoutes } from "./http/routes/workflows.ts";
import { logOf } from "./log-of.ts";
import { systemClock } from "./system/clock.ts";
import { systemRandom } from "./system/random.ts";
import type { Wire } from "./wire.ts";
import type { Invocation } from "./wire/adapters.ts";

/** @param wire builds the services of one request; tests pass one over fakes. */
export function createApp(wire: (invocation: Invocation) => Wire): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId(systemRandom));
  app.use(accessLog({ clock: systemClock, logOf }));
  app.use(securityHeaders());
  app.route("/health", healthRoutes());
  app.use(async (c, next) => {
    c.set("wire", wire({ env: c.env, log: c.get("log"), waitUntil: (work) => c.executionCtx.waitUntil(work) }));
    await next();
  });
  app.route("/ready", readyRoutes());
  app.use("/api/*", sameOrigin());
  app.use("/api/*", readClaim());
  app.route("/api/sessions", sessionRoutes());
  app.route("/api/chat", chatRoutes());
  app.route("/api/conversations", conversationRoutes());
  app.route("/api/memory", memoryRoutes());
  app.route("/api/tools", toolRoutes());
  app.route("/api/execute", executeRoutes());
  app.route("/api/agents", agentRoutes());
  app.route("/api/runs", runRoutes());
  app.route("/api/schedules", scheduleRoutes());
  app.route("/api/engine", engineRoutes());
  app.route("/api/workflows", workflowRoutes());
  app.notFound((c) => answerProblem(c, new AppError("not_found", "There is no such route."), c.get("requestId")));
  app.onError((error, c) => {
    logFailure(c.get("log"), error);
    return answerProblem(c, error, c.get("requestId"));
  });
  return app;
}
