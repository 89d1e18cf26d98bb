import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { late, type Endpoint } from "../late.ts";
import { countRequest, requireIdentity } from "../middleware/identity.ts";

type EndpointName = Exclude<keyof typeof import("./knowledge.ts"), "Knowledge">;

/** Mounted at `/api/memory`. */
export function memoryRoutes() {
  return new Hono<AppEnv>()
    .get("/erasures/:erasureId", countRequest(), erasure("getErasure"))
    .use("*", requireIdentity())
    .delete("/", erasure("eraseMine"))
    .get(
      "/export",
      late(async () => (await import("./export.ts")).exportMine),
    )
    .get("/knowledge/:agentId", knowledge("findKnowledge"))
    .get("/knowledge/:agentId/:key", knowledge("getKnowledge"))
    .put("/knowledge/:agentId/:key", knowledge("putKnowledge"))
    .delete("/knowledge/:agentId/:key", knowledge("removeKnowledge"));
}

function erasure(name: keyof typeof import("./erasure.ts")): Endpoint {
  return late(async () => (await import("./erasure.ts"))[name]);
}

function knowledge(name: EndpointName): Endpoint {
  return late(async () => (await import("./knowledge.ts"))[name]);
}
