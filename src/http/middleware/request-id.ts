import { createMiddleware } from "hono/factory";
import { limits } from "../../core/limits.ts";
import type { Random } from "../../core/ports.ts";
import type { AppEnv } from "../app-env.ts";

/**
 * Names the request: by Cloudflare's ray, which the edge sets and a client cannot, else by a UUID of ours. A client's own
 * `X-Request-Id` is not taken over, for it would let anybody write into our log.
 */
export function requestId(random: Random) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const ray = c.req.header("CF-Ray");
    const id = ray !== undefined && isRay(ray) ? ray : random.uuid();
    c.set("requestId", id);
    c.header("X-Request-Id", id);
    await next();
  });
}

function isRay(text: string): boolean {
  return text.length <= limits.requestIdCharsMax && /^[A-Za-z0-9-]+$/.test(text);
}
