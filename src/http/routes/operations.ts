import { Hono } from "hono";
import { asAppError, errorCatalogue } from "../../core/errors.ts";
import type { AppEnv } from "../app-env.ts";
import { retryAfter } from "../problem.ts";

/**
 * Mounted at `/health`: the Worker runs. It must stand before whatever builds the wire, since it also answers when the
 * configuration is broken.
 */
export function healthRoutes() {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => c.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }));
  return routes;
}

/** Mounted at `/ready`: the configuration is complete and the storage answers; and who brings runs on. One round trip. */
export function readyRoutes() {
  const routes = new Hono<AppEnv>();
  routes.get("/", async (c) => {
    c.header("Cache-Control", "no-store");
    const { pingStorage, queueName } = c.get("wire");
    const queue = { name: queueName, isFallback: queueName === "fetch" };
    try {
      await pingStorage();
    } catch (thrown) {
      const error = asAppError(thrown);
      c.get("log").error("not ready", { error });
      c.header("Retry-After", retryAfter(error.retryAfterMs ?? 1000));
      return c.json({ status: "not-ready", checks: { storage: errorCatalogue[error.code].publicText }, queue }, 503);
    }
    return c.json({ status: "ready", checks: { storage: "ok" }, queue });
  });
  return routes;
}
