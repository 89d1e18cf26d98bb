import * as z from "zod/mini";
import { Knowledge } from "../routes/knowledge.ts";
import { empty, json, room } from "./describe.ts";
import { named, nextPlace, unixMs } from "./schemas.ts";

const fields = { key: z.string(), value: z.unknown(), tags: z.readonly(z.array(z.string())), updatedAt: unixMs };
const Entry = named("KnowledgeEntry", z.strictObject(fields));

const Page = z.strictObject({ entries: z.array(Entry), total: z.int(), next: nextPlace });
const Found = z.strictObject({
  by: z.enum(["text", "meaning", "both"]),
  hits: z.array(z.strictObject({ ...fields, score: z.number() })),
  /** Entries that have no vector yet. */
  unseen: z.exactOptional(z.int()),
});

const Erased = named(
  "ErasureReport",
  z.strictObject({
    erasureId: z.string(),
    /** `stuck`: it waits for an operator. */
    status: z.enum(["erasing", "erased", "stuck"]),
    startedAt: unixMs,
    updatedAt: unixMs,
    /** Keys of the storage, by what their names begin with. */
    erased: z.record(z.string(), z.int()),
    /** Keys that each look through the storage found; the last of an erasure that has ended is 0. */
    looks: z.array(z.int()),
  }),
);

const Exported = z.strictObject({
  format: z.literal("skipstone-export/1"),
  userId: z.string(),
  exportedAt: unixMs,
  items: z.array(z.looseObject({ kind: z.enum(["session", "agent", "schedule", "knowledge", "conversation", "run"]) })),
  next: nextPlace,
});

export const memoryApi = room("Memory", "What the caller's agents know, and everything that is the caller's.", {
  "GET /api/memory/export": {
    summary: "Export everything that is mine",
    detail: "Streamed. Where there is a `next` it is not all: ask again with it as `after`.",
    access: "session",
    query: z.object({ after: z.exactOptional(z.string()) }),
    answers: { 200: json("All of it, or as much as one request may read.", Exported) },
    problems: ["invalid_cursor"],
  },
  "DELETE /api/memory": {
    summary: "Erase everything that is mine",
    detail:
      "Sessions too. The erasure goes on by itself; its report is at the address in `Location`. What is written before the report says `erased` is erased, too.",
    access: "session",
    answers: { 202: json("It has begun.", Erased) },
  },
  "GET /api/memory/erasures/:erasureId": {
    summary: "Read the report of an erasure",
    detail: "Its id is all that it takes, for who asked for it has no session any more.",
    access: "anyone",
    answers: { 200: json("The report.", Erased) },
    problems: ["not_found", "rate_limited", "redis_unavailable"],
  },
  "GET /api/memory/knowledge/:agentId": {
    summary: "List or search what an agent knows",
    detail: "With `q` a search, best first; else a page in the order of keys, after `after`. Both within `prefix`.",
    access: "session",
    query: z.object({
      q: z.exactOptional(z.string()),
      by: z.exactOptional(z.enum(["text", "meaning"])),
      prefix: z.exactOptional(z.string()),
      after: z.exactOptional(z.string()),
      limit: z.exactOptional(z.string()),
    }),
    answers: { 200: json("A page, or what was found.", z.union([Page, Found])) },
    problems: ["not_found", "bad_request", "invalid_cursor", "no_embedding", "model_unavailable"],
  },
  "GET /api/memory/knowledge/:agentId/:key": {
    summary: "Read an entry",
    access: "session",
    answers: { 200: json("The entry.", Entry) },
    problems: ["not_found", "bad_request"],
  },
  "PUT /api/memory/knowledge/:agentId/:key": {
    summary: "Keep an entry",
    detail: "In the place of the one with its key.",
    access: "session",
    body: Knowledge,
    answers: { 200: json("The entry, as it is kept.", Entry) },
    problems: ["not_found", "too_many"],
  },
  "DELETE /api/memory/knowledge/:agentId/:key": {
    summary: "Forget an entry",
    access: "session",
    answers: { 204: empty("It is gone.") },
    problems: ["not_found", "bad_request"],
  },
});
