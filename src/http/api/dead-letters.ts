import * as z from "zod/mini";
import { Redrive } from "../routes/dead-letters.ts";
import { empty, json, room } from "./describe.ts";
import { Run } from "./runs.ts";
import { named, nextPlace, unixMs } from "./schemas.ts";

const Cause = z.strictObject({ key: z.string(), text: z.string() });

const DeadLetter = named(
  "DeadLetter",
  z.strictObject({
    /** Of the run, or `dlq_` and the queue's id. */
    id: z.string(),
    kind: z.enum(["run", "message"]),
    userId: z.exactOptional(z.string()),
    failedAt: unixMs,
    /** The definition of the run, or what was to be called. */
    what: z.string(),
    /** Letters with the same key failed for the same reason. */
    cause: Cause,
    step: z.exactOptional(z.string()),
    messageId: z.exactOptional(z.string()),
  }),
);

const CauseGroup = z.strictObject({
  cause: Cause,
  count: z.int(),
  firstAt: unixMs,
  lastAt: unixMs,
  ids: z.array(z.string()),
});

export const deadLetterApi = room(
  "Dead letters",
  "What failed for good: the caller's, or with the internal key everybody's.",
  {
    "GET /api/dead-letters": {
      summary: "List dead letters",
      detail: "Parked runs first, then what the queue has given up. A page may be empty and have a next one.",
      access: "session",
      query: z.object({ cursor: z.exactOptional(z.string()) }),
      answers: {
        200: json(
          "A page, and its letters by cause.",
          z.strictObject({ groups: z.array(CauseGroup), letters: z.array(DeadLetter), next: nextPlace }),
        ),
      },
      problems: ["invalid_cursor", "queue_unavailable"],
    },
    "POST /api/dead-letters/redrive": {
      summary: "Retry dead letters one after the other",
      access: "session",
      body: Redrive,
      answers: { 202: json("A run does so; `Location` says where to look.", z.strictObject({ runId: z.string() })) },
    },
    "GET /api/dead-letters/redrives/:runId": {
      summary: "Look at a redrive",
      access: "session",
      answers: { 200: json("The run.", Run) },
      problems: ["not_found"],
    },
    "POST /api/dead-letters/:letterId/retry": {
      summary: "Retry one",
      access: "session",
      query: z.object({ userId: z.exactOptional(z.string()) }),
      answers: { 204: empty("It goes on, or is sent again.") },
      problems: ["not_found", "run_refused", "queue_unavailable"],
    },
    "DELETE /api/dead-letters/:letterId": {
      summary: "Give one up",
      access: "session",
      query: z.object({ userId: z.exactOptional(z.string()), compensate: z.exactOptional(z.enum(["true", "false"])) }),
      answers: { 204: empty("The run, which is parked, is cancelled, or the message forgotten.") },
      problems: ["not_found", "bad_request", "run_refused", "queue_unavailable"],
    },
  },
);
