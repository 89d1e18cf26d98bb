import * as z from "zod/mini";
import { CallbackBody, CallQuery, FiringBody, TriggerBody, TurnBody } from "../routes/engine.ts";
import { json, room } from "./describe.ts";

const Outcome = z.strictObject({ outcome: z.string() });

/** 489 is QStash's own: the message goes to the dead letters at once. */
export const delivery = {
  access: "queue",
  answers: {
    200: json("Done, also when there was nothing to do.", Outcome),
    202: json("Taken from ourselves: it is worked on after the answer.", Outcome),
    489: json("Never try this again.", Outcome),
    503: json("Try again later.", Outcome),
  },
} as const;

const SweepReport = z.strictObject({
  runs: z.strictObject({ seen: z.int(), triggered: z.int(), forgotten: z.int() }),
  turns: z.strictObject({ seen: z.int(), triggered: z.int() }),
  /** Messages that the queue could not take before. */
  outbox: z.strictObject({ sent: z.int(), dropped: z.int(), isBlocked: z.boolean() }),
  /** Incidents that began and ended. */
  alerts: z.strictObject({ opened: z.int(), resolved: z.int() }),
});

export const engineApi = room("Engine", "What the queue and operators call.", {
  "POST /api/engine/execute-step": { ...delivery, summary: "Run the next segment of a run", body: TriggerBody },
  "POST /api/engine/continue-turn": { ...delivery, summary: "Go on with a chat turn", body: TurnBody },
  "POST /api/engine/fire-schedule": { ...delivery, summary: "Start what a schedule starts", body: FiringBody },
  "POST /api/engine/call-result": {
    ...delivery,
    summary: "Take the answer to a call that the queue made for a run",
    query: CallQuery,
    body: CallbackBody,
  },
  "POST /api/engine/resume": {
    summary: "Pick up what is stranded",
    access: "queue",
    answers: { 200: json("What was looked at and sent for.", SweepReport) },
  },
});
