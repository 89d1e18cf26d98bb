import type { Env, Hono } from "hono";
import { inspectRoutes } from "hono/dev";

/** `GET /api/runs/:runId` for each route of the app, those for every method (`ALL`) too; its middleware is left out. */
export function routesOf<E extends Env>(app: Hono<E>): readonly string[] {
  const routes = inspectRoutes(app as unknown as Hono).filter(({ isMiddleware }) => !isMiddleware);
  return [...new Set(routes.map(({ method, path }) => `${method} ${path}`))];
}
