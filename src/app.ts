/** All routes of the Worker, built once per isolate: those of the edge and every other mount. */
import type { Hono } from "hono";
import type { Log } from "./core/ports.ts";
import { createEdgeApp } from "./edge-app.ts";
import type { AppEnv } from "./http/app-env.ts";
import { agentRoutes } from "./http/routes/agents.ts";
import { conversationRoutes } from "./http/routes/conversations.ts";
import { deadLetterRoutes } from "./http/routes/dead-letters.ts";
import { engineRoutes } from "./http/routes/engine.ts";
import { executeRoutes } from "./http/routes/execute.ts";
import { keyRoutes } from "./http/routes/keys.ts";
import { metricsRoutes } from "./http/routes/metrics.ts";
import { mcpRoutes } from "./http/routes/mcp.ts";
import { memoryRoutes } from "./http/routes/memory.ts";
import { modelRoutes } from "./http/routes/models.ts";
import { runRoutes } from "./http/routes/runs.ts";
import { scheduleRoutes } from "./http/routes/schedules.ts";
import { ticketRoutes } from "./http/routes/tickets.ts";
import { toolRoutes } from "./http/routes/tools.ts";
import { webhookRoutes } from "./http/routes/webhooks.ts";
import { workflowRoutes } from "./http/routes/workflows.ts";
import type { Wire } from "./wire.ts";
import type { Invocation } from "./wire/adapters.ts";

/** @see createEdgeApp for the parameters. */
export function createApp(wire: (invocation: Invocation) => Wire, logs?: (env: Env) => Log): Hono<AppEnv> {
  const app = createEdgeApp(wire, logs);
  app.route("/api/conversations", conversationRoutes());
  app.route("/api/keys", keyRoutes());
  app.route("/api/tickets", ticketRoutes());
  app.route("/api/memory", memoryRoutes());
  app.route("/api/tools", toolRoutes());
  app.route("/api/mcp", mcpRoutes());
  app.route("/api/execute", executeRoutes());
  app.route("/api/agents", agentRoutes());
  app.route("/api/models", modelRoutes());
  app.route("/api/runs", runRoutes());
  app.route("/api/schedules", scheduleRoutes());
  app.route("/metrics", metricsRoutes());
  app.route("/api/dead-letters", deadLetterRoutes());
  app.route("/api/engine", engineRoutes());
  app.route("/api/webhooks", webhookRoutes());
  app.route("/api/workflows", workflowRoutes());
  return app;
}
