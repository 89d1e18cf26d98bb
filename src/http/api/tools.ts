import * as z from "zod/mini";
import { OrderBody, QueueBody } from "../routes/tools.ts";
import { json, room } from "./describe.ts";
import { delivery } from "./engine.ts";
import { named, unixMs } from "./schemas.ts";

const Tool = named(
  "Tool",
  z.strictObject({
    name: z.string(),
    description: z.string(),
    /** JSON Schema. */
    inputSchema: z.record(z.string(), z.unknown()),
    effect: z.enum(["read", "write", "money"]),
    scopes: z.array(z.string()),
    approval: z.enum(["never", "always", "by-input"]),
  }),
);

const Status = z.enum(["queued", "running", "retrying", "completed", "failed", "dead"]);
const ToolError = z.strictObject({ code: z.string(), message: z.string() });

const Execution = named(
  "ToolExecution",
  z.strictObject({
    executionId: z.string(),
    tool: z.string(),
    status: Status,
    attempts: z.int(),
    retries: z.int(),
    queuedAt: unixMs,
    notBefore: z.exactOptional(unixMs),
    messageId: z.exactOptional(z.string()),
    startedAt: z.exactOptional(unixMs),
    endedAt: z.exactOptional(unixMs),
    result: z.exactOptional(z.unknown()),
    error: z.exactOptional(ToolError),
    dead: z.exactOptional(
      z.strictObject({ at: unixMs, status: z.int(), cause: z.string(), id: z.exactOptional(z.string()) }),
    ),
  }),
);

const Outcome = delivery.answers[200].json;
const Failed = z.union([Outcome, z.strictObject({ error: ToolError })]);

export const toolApi = room("Tools", "What models may call, and calls that go through the queue.", {
  "GET /api/tools": {
    summary: "List the tools",
    access: "anyone",
    answers: { 200: json("All tools.", z.strictObject({ tools: z.array(Tool) })) },
    problems: ["misconfigured"],
  },
  "POST /api/tools/:name/queue": {
    summary: "Call a tool through the queue",
    detail: "Repeated with one `deduplicationId` it is one execution.",
    access: "session",
    body: QueueBody,
    answers: {
      202: json(
        "The queue has it; `Location` says where to look.",
        z.strictObject({ executionId: z.string(), messageId: z.exactOptional(z.string()), status: Status }),
      ),
    },
    problems: ["not_found", "id_taken", "unsupported", "queue_unavailable"],
  },
  "GET /api/tools/executions/:executionId": {
    summary: "Read a call",
    access: "session",
    answers: { 200: json("How far it is, and what came out.", Execution) },
    problems: ["not_found"],
  },
  "POST /api/tools/:name": {
    summary: "Deliver a call",
    access: "queue",
    body: OrderBody,
    answers: {
      200: json("Done, or nothing to do.", z.union([z.strictObject({ result: z.unknown() }), Outcome])),
      202: delivery.answers[202],
      489: json("Never try this again.", Failed),
      503: json("Try again later.", Failed),
    },
    problems: ["not_found"],
  },
});
