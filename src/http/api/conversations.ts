import * as z from "zod/mini";
import { messageSchema } from "../../memory/message.ts";
import { Rename } from "../routes/conversations.ts";
import { empty, events, json, room } from "./describe.ts";
import { named, nextPlace, unixMs } from "./schemas.ts";

const Conversation = named("Conversation", z.strictObject({ id: z.string(), title: z.string(), updatedAt: unixMs }));
const Message = named("Message", messageSchema);

export const conversationApi = room("Conversations", "History: the caller's conversations and their messages.", {
  "GET /api/conversations": {
    summary: "List conversations",
    access: "session",
    answers: { 200: json("Newest first.", z.strictObject({ conversations: z.array(Conversation) })) },
  },
  "GET /api/conversations/:conversationId": {
    summary: "Read a conversation",
    access: "session",
    answers: { 200: json("The conversation.", Conversation) },
    problems: ["not_found"],
  },
  "PATCH /api/conversations/:conversationId": {
    summary: "Rename a conversation",
    access: "session",
    body: Rename,
    answers: { 200: json("The conversation, renamed.", Conversation) },
    problems: ["not_found"],
  },
  "DELETE /api/conversations/:conversationId": {
    summary: "Delete a conversation",
    access: "session",
    answers: { 204: empty("Its messages and events are gone.") },
    problems: ["not_found"],
  },
  "GET /api/conversations/:conversationId/messages": {
    summary: "Read the messages",
    access: "session",
    query: z.object({ before: z.exactOptional(z.string()), limit: z.exactOptional(z.string()) }),
    answers: {
      200: json(
        "The newest, or those before a place; oldest first, as the AI SDK's `UIMessage`. Empty for a conversation that is not there.",
        z.strictObject({ messages: z.array(Message), next: nextPlace }),
      ),
    },
    problems: ["not_found", "bad_request", "invalid_cursor"],
  },
  "GET /api/conversations/:conversationId/events": {
    summary: "Follow a conversation",
    detail: "Replay after the cursor, then live. `Last-Event-ID` goes before `after`.",
    access: "session",
    query: z.object({ after: z.exactOptional(z.string()) }),
    headers: z.object({ "Last-Event-ID": z.exactOptional(z.string()) }),
    answers: { 200: events("The events of the conversation and of the runs that belong to it.") },
    problems: ["not_found", "invalid_cursor"],
  },
});
