import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { late } from "../late.ts";
import { requireIdentity } from "../middleware/identity.ts";

/** Mounted at `/api/memory`. */
export function memoryRoutes() {
  return new Hono<AppEnv>()
    .use("*", requireIdentity())
    .get(
      "/knowledge/:agentId",
      late(async () => (await import("./knowledge.ts")).findKnowledge),
    )
    .get(
      "/knowledge/:agentId/:key",
      late(async () => (await import("./knowledge.ts")).getKnowledge),
    )
    .put(
      "/knowledge/:agentId/:key",
      late(async () => (await import("./knowledge.ts")).putKnowledge),
    )
    .delete(
      "/knowledge/:agentId/:key",
      late(async () => (await import("./knowledge.ts")).removeKnowledge),
    );
}
