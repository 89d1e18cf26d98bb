/** Where Upstash Workflow delivers. Its SDK speaks its protocol; it answers 500 to what is not signed, so that is refused before. */
import { Hono } from "hono";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AppEnv } from "../app-env.ts";
import { checkSignature } from "../check-signature.ts";
import { readText } from "../read-json.ts";
import { relay } from "../relay.ts";

/** Mounted at `/api/workflows`. */
export function workflowRoutes() {
  return new Hono<AppEnv>().post("/agent", async (c) => {
    const wire = c.get("wire");
    const { serveWorkflow } = await wire.runs();
    if (serveWorkflow === undefined) throw new AppError("not_found", "This server has no Upstash Workflow.");
    const body = await readText(c, limits.callbackBodyBytesMax);
    await checkSignature(wire, c.req, body);
    const { url, headers } = c.req.raw;
    return relay(c, await serveWorkflow(new Request(url, { method: "POST", headers, body })));
  });
}
