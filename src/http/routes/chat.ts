/** Chat: one turn per POST, resumed and stopped by conversation. Speaks the AI SDK's UI message stream. */
import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { late, type Endpoint } from "../late.ts";
import { requireIdentity } from "../middleware/identity.ts";

type Endpoints = Pick<typeof import("./chat-endpoints.ts"), "postTurn" | "resumeTurn" | "postStop">;

/** Mounted at `/api/chat`. */
export function chatRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post("/", endpoint("postTurn"))
    .get("/:conversationId/stream", requireIdentity(), endpoint("resumeTurn"))
    .post("/:conversationId/stop", requireIdentity(), endpoint("postStop"));
}

function endpoint(name: keyof Endpoints): Endpoint {
  return late(async () => (await import("./chat-endpoints.ts"))[name]);
}
