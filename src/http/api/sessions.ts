import * as z from "zod/mini";
import { scopes } from "../../session/scope.ts";
import { empty, json, room } from "./describe.ts";

const Session = z.strictObject({ id: z.string(), createdAt: z.iso.datetime(), isCurrent: z.boolean() });

export const sessionApi = room("Sessions", "Who you are.", {
  "POST /api/sessions": {
    summary: "Open a session",
    detail: "Of a guest, or in exchange for a bearer token of an identity provider. Sets the session cookie.",
    access: "anyone",
    answers: { 201: json("The session is open.", z.strictObject({ userId: z.string(), expiresAt: z.iso.datetime() })) },
    problems: ["misconfigured", "unauthenticated", "rate_limited", "redis_unavailable"],
  },
  "GET /api/sessions/current": {
    summary: "Who you are",
    access: "session",
    answers: {
      200: json(
        "You, and what this identity may be used for.",
        z.strictObject({ userId: z.string(), tenant: z.string(), scopes: z.readonly(z.array(z.enum(scopes))) }),
      ),
    },
  },
  "DELETE /api/sessions/current": {
    summary: "End the session",
    access: "anyone",
    answers: { 204: empty("There is no session any more; also when there was none.") },
    problems: ["misconfigured", "rate_limited", "redis_unavailable"],
  },
  "GET /api/sessions": {
    summary: "List your sessions",
    access: "session",
    answers: { 200: json("All of yours.", z.strictObject({ sessions: z.array(Session) })) },
  },
  "DELETE /api/sessions": {
    summary: "End all of your sessions",
    access: "session",
    answers: { 200: json("How many ended.", z.strictObject({ ended: z.int() })) },
  },
  "DELETE /api/sessions/:sessionId": {
    summary: "End one of your sessions",
    access: "session",
    answers: { 204: empty("It is over.") },
    problems: ["not_found"],
  },
});
