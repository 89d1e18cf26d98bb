import * as z from "zod/mini";
import { Cron, Once, StoredFirings, Target } from "../../schedule/schedule.ts";
import { ScheduleDraft } from "../routes/schedule-body.ts";
import { empty, json, room } from "./describe.ts";
import { named, unixMs } from "./schemas.ts";

const Schedule = named(
  "Schedule",
  z.strictObject({
    scheduleId: z.string(),
    when: z.union([Cron, Once]),
    target: Target,
    overlap: z.enum(["skip", "allow"]),
    createdAt: unixMs,
    /** `unarmed`: the queue does not know of it; resume mends that. */
    state: z.enum(["active", "paused", "missed", "unarmed"]),
    nextAt: z.exactOptional(unixMs),
    /** Newest first. */
    firings: z.array(z.omit(StoredFirings.def.element, { id: true })),
  }),
);

const one = {
  access: "session",
  answers: { 200: json("The schedule.", Schedule) },
  problems: ["not_found", "no_queue", "queue_unavailable", "schedule_refused", "too_many"],
} as const;

export const scheduleApi = room("Schedules", "What is started by cron, after a delay, or at a time.", {
  "GET /api/schedules": {
    summary: "List schedules",
    access: "session",
    answers: { 200: json("All of yours.", z.strictObject({ schedules: z.array(Schedule) })) },
    problems: ["no_queue", "queue_unavailable"],
  },
  "POST /api/schedules": {
    summary: "Make a schedule",
    detail: "Asks for the scope of what is scheduled, too: `runs`, `tools` or `agents`.",
    access: "session",
    headers: z.object({ "Idempotency-Key": z.exactOptional(z.string().check(z.minLength(1), z.maxLength(255))) }),
    body: ScheduleDraft,
    answers: { 201: json("The schedule; `Location` says where it is.", Schedule) },
    problems: ["not_found", "unknown_definition", "too_many", "no_queue", "queue_unavailable", "schedule_refused"],
  },
  "GET /api/schedules/:scheduleId": { ...one, summary: "Read a schedule" },
  "DELETE /api/schedules/:scheduleId": { ...one, summary: "Remove a schedule", answers: { 204: empty("It is gone.") } },
  "POST /api/schedules/:scheduleId/pause": { ...one, summary: "Pause a schedule" },
  "POST /api/schedules/:scheduleId/resume": { ...one, summary: "Let a schedule go on" },
});
