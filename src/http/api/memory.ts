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

export const memoryApi = room("Memory", "What the caller's agents know.", {
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
