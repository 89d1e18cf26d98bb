import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";

/** Mounted at `/api/tools`. The list is the same for everybody and costs no I/O, so it needs no session and no limit. */
export function toolRoutes() {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => c.json({ tools: c.get("wire").tools.describe() }));
  return routes;
}
