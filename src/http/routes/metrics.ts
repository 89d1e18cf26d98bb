/** Numbers for operators' monitoring: of this isolate, and of what stands in Redis for all of them. */
import { Hono } from "hono";
import { AppError } from "../../core/errors.ts";
import { tallyOf } from "../../core/tally.ts";
import { gaugeFamilies, isolateFamilies, metricsText } from "../../ops/metrics-text.ts";
import type { AppEnv } from "../app-env.ts";
import { isOperator } from "../middleware/operator.ts";

/** Mounted at `/metrics`. For operators: `X-Internal-Key`, or the same key as a bearer token, which every scraper can send. */
export function metricsRoutes() {
  return new Hono<AppEnv>().get("/", async (c) => {
    const wire = c.get("wire");
    const bearer = /^Bearer (\S{1,512})$/i.exec(c.req.header("Authorization") ?? "")?.[1];
    if (!(await isOperator(c.req.header("X-Internal-Key") ?? bearer, wire))) {
      throw new AppError("unauthenticated", "The metrics are for operators: send the internal key.");
    }
    const { gauges } = (await wire.runs()).ops;
    const isolate = isolateOf(c.env, () => c.get("requestId"));
    const families = [...isolateFamilies(tallyOf(c.env, wire.clock.now()), isolate), ...gaugeFamilies(await gauges())];
    c.header("Cache-Control", "no-store");
    return c.text(metricsText(families), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

const isolates = new WeakMap<object, string>();

/** Named by the first request that asked: random values cannot be had before one. */
function isolateOf(env: object, name: () => string): string {
  const known = isolates.get(env) ?? name();
  isolates.set(env, known);
  return known;
}
