import * as z from "zod/mini";
import { ChatBody } from "../routes/chat-endpoints.ts";
import { empty, events, json, room } from "./describe.ts";

const uiMessages = "The turn as the AI SDK's UI message stream (`x-vercel-ai-ui-message-stream: v1`).";

export const chatApi = room("Chat", "One turn for each POST, resumed and stopped by conversation.", {
  "POST /api/chat": {
    summary: "Say something",
    detail:
      "The body of the AI SDK's `DefaultChatTransport`. Of `messages` only the last is read: a user's message with text, or an answer that carries the user's word on an approval. " +
      "Sent twice with one message id, it is answered once.",
    access: "session",
    body: ChatBody,
    answers: { 200: events(uiMessages) },
    problems: ["not_found", "turn_running", "queue_unavailable"],
  },
  "GET /api/chat/:conversationId/stream": {
    summary: "Come back to the turn that runs",
    access: "session",
    answers: { 200: events(uiMessages), 204: empty("Nothing runs.") },
    problems: ["not_found"],
  },
  "POST /api/chat/:conversationId/stop": {
    summary: "Stop the turn that runs",
    access: "session",
    answers: { 200: json("Whether a turn was running.", z.strictObject({ stopped: z.boolean() })) },
    problems: ["not_found", "queue_unavailable"],
  },
});
