import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { late, type Endpoint } from "../late.ts";
import { requireIdentity } from "../middleware/identity.ts";

type Endpoints = typeof import("./schedule-endpoints.ts");

/** Mounted at `/api/schedules`. */
export function scheduleRoutes() {
  return new Hono<AppEnv>()
    .use("*", requireIdentity())
    .get("/", endpoint("listSchedules"))
    .post("/", endpoint("postSchedule"))
    .get("/:scheduleId", endpoint("getSchedule"))
    .delete("/:scheduleId", endpoint("deleteSchedule"))
    .post("/:scheduleId/pause", endpoint("postPause"))
    .post("/:scheduleId/resume", endpoint("postResume"));
}

function endpoint(name: keyof Endpoints): Endpoint {
  return late(async () => (await import("./schedule-endpoints.ts"))[name]);
}
