/** Where Upstash Workflow delivers; its SDK checks the signature and speaks its protocol. */
import { Hono } from "hono";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AppEnv } from "../app-env.ts";

/** Mounted at `/api/workflows`. */
export function workflowRoutes() {
  return new Hono<AppEnv>().post("/agent", async (c) => {
    const { serveWorkflow } = c.get("wire");
    if (serveWorkflow === undefined) throw new AppError("not_found", "This server has no Upstash Workflow.");
    if (Number(c.req.header("Content-Length") ?? 0) > limits.callbackBodyBytesMax) {
      throw new AppError("body_too_large", "The delivery is larger than any of ours.");
    }
    return serveWorkflow(c.req.raw);
  });
}
