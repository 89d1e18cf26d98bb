/** The Worker under measurement: the app itself, with runs that count; and beside it the bare floor and the Upstash Workflow SDK. */
import { serve } from "@upstash/workflow/hono";
import { Hono } from "hono";
import { createApp } from "../../src/app.ts";
import { createWire } from "../../src/wire.ts";
import { countingRuns } from "./counting-runs.ts";
import { runFloor } from "./floor.ts";

interface BenchEnv {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
}

interface Execution {
  waitUntil(work: Promise<unknown>): void;
  passThroughOnException(): void;
  readonly props: unknown;
}

const app = createApp((invocation) => createWire(invocation, countingRuns));
const peers = new Hono<{ Bindings: BenchEnv }>();

peers.get("/ready", (c) => c.text("ready"));

peers.post("/floor", async (c) => {
  const redis = { url: c.env.UPSTASH_REDIS_REST_URL, token: c.env.UPSTASH_REDIS_REST_TOKEN };
  return c.json(await runFloor(redis, Number(c.req.query("steps"))));
});

peers.post(
  "/workflow",
  serve<{ steps: number; doneUrl: string }>(async (context) => {
    const { steps, doneUrl } = context.requestPayload;
    let sum = 0;
    for (let number = 1; number <= steps; number += 1) sum = await context.run(`add ${number}`, () => sum + 1);
    // Only the last delivery gets here: the SDK ends all others by throwing.
    await fetch(doneUrl);
    return sum;
  }),
);

export default {
  fetch(request: Request, env: BenchEnv, execution: Execution): Response | Promise<Response> {
    const isPeer = /^\/(ready|floor|workflow)$/.test(new URL(request.url).pathname);
    return isPeer ? peers.fetch(request, env, execution) : app.fetch(request, env, execution);
  },
};
