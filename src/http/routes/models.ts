/** The models that an agent may be set up with. */
import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { requireIdentity } from "../middleware/identity.ts";

/** Mounted at `/api/models`. */
export function modelRoutes() {
  return new Hono<AppEnv>().get("/", requireIdentity(), async (c) => c.json(await c.get("wire").models()));
}
