import * as z from "zod/mini";
import { scopes } from "../../session/scope.ts";
import { KeyDraft, KeyRotation } from "../routes/keys.ts";
import { WantedTicket } from "../routes/tickets.ts";
import { empty, json, room } from "./describe.ts";
import { named } from "./schemas.ts";

const shape = {
  id: z.string(),
  name: z.string(),
  /** How the text of the key begins. */
  begins: z.string(),
  scopes: z.array(z.enum(scopes)),
  actsForUsers: z.boolean(),
  createdAt: z.iso.datetime(),
  expiresAt: z.exactOptional(z.iso.datetime()),
  tokensPerDay: z.exactOptional(z.int()),
  /** When earlier secrets of this key end. */
  earlierUntil: z.array(z.iso.datetime()),
};
const ApiKey = named("ApiKey", z.strictObject(shape));
const ShownKey = named("ShownKey", z.strictObject({ ...shape, key: z.string() }));

export const keyApi = room("API keys and tickets", "Other ways to say who asks.", {
  "GET /api/keys": {
    summary: "List your API keys",
    access: "session",
    answers: { 200: json("All of yours, newest first.", z.strictObject({ keys: z.array(ApiKey) })) },
  },
  "POST /api/keys": {
    summary: "Make an API key",
    detail:
      "It can do no more than you can. With `actsForUsers` it is used in the name of users of your tenant, by `X-Act-As`.",
    access: "session",
    body: KeyDraft,
    answers: { 201: json("The key; its text is never shown again.", ShownKey) },
    problems: ["too_many"],
  },
  "POST /api/keys/:keyId/rotate": {
    summary: "Give a key a new secret",
    detail: "The one before works for `overlapSeconds` more, a day without it.",
    access: "session",
    body: KeyRotation,
    isBodyOptional: true,
    answers: { 200: json("The key; its new text is never shown again.", ShownKey) },
    problems: ["not_found", "too_many"],
  },
  "DELETE /api/keys/:keyId": {
    summary: "End a key",
    access: "session",
    answers: { 204: empty("It is over.") },
    problems: ["not_found"],
  },
  "POST /api/tickets": {
    summary: "Get a ticket for an event stream",
    detail: "For a client that can send neither cookie nor header: `?ticket=` opens the path once, within a minute.",
    access: "session",
    body: WantedTicket,
    answers: {
      201: json("The ticket.", z.strictObject({ ticket: z.string(), url: z.string(), expiresInSeconds: z.int() })),
    },
  },
});
