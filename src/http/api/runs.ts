import * as z from "zod/mini";
import { Start } from "../routes/execute.ts";
import { Cancel, Empty, Fork, Signal } from "../routes/runs.ts";
import { empty, events, json, room } from "./describe.ts";
import { Failure, named, nextPlace, unixMs } from "./schemas.ts";

const Status = z.enum(["running", "waiting", "paused", "parked", "compensating", "completed", "failed", "cancelled"]);

export const Run = named(
  "Run",
  z.strictObject({
    runId: z.string(),
    definition: z.string(),
    version: z.int(),
    status: Status,
    /** Who carries it: our own segments, or Upstash Workflow. */
    executor: z.enum(["segments", "workflow"]),
    startedAt: unixMs,
    updatedAt: unixMs,
    segments: z.int(),
    steps: z.int(),
    conversationId: z.exactOptional(z.string()),
    parentRunId: z.exactOptional(z.string()),
    forkedFrom: z.exactOptional(z.strictObject({ runId: z.string(), steps: z.int() })),
    isDry: z.exactOptional(z.literal(true)),
    output: z.exactOptional(z.unknown()),
    failure: z.exactOptional(Failure),
    /** The step at which the run is parked. */
    step: z.exactOptional(z.string()),
    waits: z.exactOptional(
      z.readonly(
        z.array(
          z.strictObject({ step: z.string(), until: z.exactOptional(unixMs), signal: z.exactOptional(z.string()) }),
        ),
      ),
    ),
    wakesAt: z.exactOptional(unixMs),
  }),
);

const Entry = z.strictObject({
  writer: z.string(),
  seq: z.int(),
  at: unixMs,
  record: z.looseObject({ type: z.string() }),
});

export const Receipt = named(
  "Receipt",
  z.strictObject({
    runId: z.string(),
    segments: z.int(),
    /** False while a segment is under way whose spending is not known yet. */
    isFinal: z.boolean(),
    commands: z.int(),
    roundTrips: z.int(),
    messages: z.int(),
    subrequests: z.int(),
    wallMs: z.number(),
    /** Of the model, as its provider counts them. */
    inputTokens: z.int(),
    outputTokens: z.int(),
    /** US dollars, by the prices of that day; of the model by those that are configured. */
    money: z.strictObject({
      redisUsd: z.number(),
      queueUsd: z.number(),
      modelUsd: z.number(),
      totalUsd: z.number(),
      pricesAsOf: z.string(),
    }),
  }),
);

const RunFile = z.strictObject({
  format: z.literal("skipstone-run"),
  formatVersion: z.literal(1),
  exportedAt: unixMs,
  run: z.exactOptional(Run),
  journal: z.array(z.string()),
  events: z.array(z.strictObject({ place: z.int(), type: z.string(), data: z.record(z.string(), z.unknown()) })),
  receipt: Receipt,
});

const Accepted = z.strictObject({ accepted: z.literal(true), isRepeated: z.boolean() });

/** Of every route that starts a run. */
export const startHeaders = z.object({
  /** Makes the request safe to repeat: it starts one run. */
  "Idempotency-Key": z.exactOptional(z.string().check(z.minLength(1), z.maxLength(255))),
  /** `wait=<seconds>`: the answer waits so long for the run's end. */
  Prefer: z.exactOptional(z.string()),
});

export const startAnswers = {
  200: json("The run is over already.", Run),
  202: json("The run is recorded and goes on; `Location` says where to look.", Run),
};

/** A refusal is about the state that the run is in. */
const act = {
  access: "session",
  isBodyOptional: true,
  answers: { 202: json("The run will do so.", Accepted) },
  problems: ["not_found", "run_refused", "queue_unavailable"],
} as const;

const ofAgents = "A run of an agent that failed or is parked asks for the scope `agents`.";

export const runApi = room("Runs", "The caller's runs: starting them, looking at them, acting on them.", {
  "POST /api/execute": {
    summary: "Start a run by the name of its definition",
    access: "session",
    headers: startHeaders,
    body: Start,
    answers: startAnswers,
    problems: ["unknown_definition", "run_refused", "queue_unavailable"],
  },
  "GET /api/runs": {
    summary: "List runs",
    access: "session",
    query: z.object({ before: z.exactOptional(z.string()) }),
    answers: {
      200: json("Newest first, without outputs.", z.strictObject({ runs: z.array(Run), next: nextPlace })),
    },
    problems: ["invalid_cursor"],
  },
  "GET /api/runs/:runId": {
    summary: "Read a run",
    access: "session",
    answers: { 200: json("The run.", Run) },
    problems: ["not_found"],
  },
  "GET /api/runs/:runId/journal": {
    summary: "Read the journal",
    access: "session",
    query: z.object({ from: z.exactOptional(z.string()) }),
    answers: {
      200: json(
        "A page of it; `null` for an entry that this version does not understand.",
        z.strictObject({ entries: z.array(z.nullable(Entry)), next: z.exactOptional(z.int()) }),
      ),
    },
    problems: ["not_found", "invalid_cursor"],
  },
  "GET /api/runs/:runId/memory": {
    summary: "What the run keeps in mind",
    access: "session",
    answers: { 200: json("By name.", z.strictObject({ memory: z.record(z.string(), z.unknown()) })) },
    problems: ["not_found"],
  },
  "GET /api/runs/:runId/events": {
    summary: "Follow a run",
    access: "session",
    query: z.object({ after: z.exactOptional(z.string()) }),
    headers: z.object({ "Last-Event-ID": z.exactOptional(z.string()) }),
    answers: {
      200: events("Replay after the cursor, then live, until the run is over."),
      204: empty("You saw its end."),
    },
    problems: ["not_found", "invalid_cursor"],
  },
  "GET /api/runs/:runId/receipt": {
    summary: "What the run cost",
    access: "session",
    answers: { 200: json("Over all of its segments.", Receipt) },
    problems: ["not_found"],
  },
  "GET /api/runs/:runId/compensation": {
    summary: "What a compensation would undo",
    access: "session",
    answers: { 200: json("Steps in the order of undoing.", z.strictObject({ steps: z.array(z.string()) })) },
    problems: ["not_found"],
  },
  "GET /api/runs/:runId/file": {
    summary: "The run as one file",
    access: "session",
    answers: { 200: json("What it takes to run its code again elsewhere.", RunFile) },
    problems: ["not_found"],
  },
  "POST /api/runs/:runId/cancel": { ...act, summary: "Cancel a run", body: Cancel },
  "POST /api/runs/:runId/pause": { ...act, summary: "Pause a run", body: Empty },
  "POST /api/runs/:runId/resume": {
    ...act,
    summary: "Let a paused or parked run go on",
    detail: ofAgents,
    body: Empty,
  },
  "POST /api/runs/:runId/retry": {
    ...act,
    summary: "Retry a run that failed or is parked",
    detail: ofAgents,
    body: Empty,
  },
  "POST /api/runs/:runId/compensate": { ...act, summary: "Undo what a run did", body: Empty },
  "POST /api/runs/:runId/signal": {
    summary: "Send a signal to a run",
    detail: "A signal that comes before anybody waits for it is kept.",
    access: "session",
    body: Signal,
    answers: act.answers,
    problems: act.problems,
  },
  "POST /api/runs/:runId/fork": {
    summary: "Run it again from one of its steps",
    detail:
      "A person's yes is taken over with its step, or not at all: then the fork asks anew. A run that `POST /api/execute` does not start keeps its input; one of an agent asks for the scope `agents`.",
    access: "session",
    body: Fork,
    answers: { 202: json("Another run has begun.", z.strictObject({ runId: z.string() })) },
    problems: ["not_found", "unknown_definition", "run_refused"],
  },
});
