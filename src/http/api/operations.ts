import * as z from "zod/mini";
import { json, room, text } from "./describe.ts";

const Queue = z.strictObject({ name: z.enum(["qstash", "fetch"]), isFallback: z.boolean() });
const Readiness = z.strictObject({
  status: z.enum(["ready", "not-ready"]),
  checks: z.strictObject({ storage: z.string() }),
  queue: Queue,
});

export const operationsApi = room("Operations", "Whether the service runs.", {
  "GET /health": {
    summary: "Whether the Worker runs",
    detail: "Also when its configuration is wrong. No I/O.",
    access: "anyone",
    answers: { 200: json("It runs.", z.strictObject({ status: z.literal("ok") })) },
  },
  "GET /ready": {
    summary: "Whether it can serve",
    detail: "The configuration is complete and the storage answers. Says who brings runs on, too.",
    access: "anyone",
    answers: { 200: json("It can.", Readiness), 503: json("The storage does not answer.", Readiness) },
    problems: ["misconfigured", "rate_limited"],
  },
  "GET /metrics": {
    summary: "Numbers for monitoring, in the text format of Prometheus",
    detail: "For operators: `X-Internal-Key`, or the same key as a bearer token.",
    access: "anyone",
    answers: { 200: text("Counters of this isolate, gauges of all.") },
    problems: ["unauthenticated", "redis_unavailable"],
  },
});
