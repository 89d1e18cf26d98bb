import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { defineTool, failed, ok, type ToolContext } from "./tool.ts";

export interface Reminders {
  /** Safe to repeat: of one key one reminder is made. @returns its id. @throws redis_unavailable, queue_unavailable (retry) */
  schedule(reminder: {
    readonly userId: string;
    readonly conversationId: string;
    readonly text: string;
    /** Unix ms. */
    readonly atMs: number;
    readonly key: string;
  }): Promise<{ readonly reminderId: string }>;
}

export interface ReminderServices {
  readonly reminders: Reminders;
}

const minuteMs = 60_000;
const minutesMax = limits.waitMsMax / minuteMs;

/** A message that comes into the conversation later. */
export const reminder = defineTool({
  name: "reminder",
  description:
    "Reminds the user later: a message with the text comes into this conversation, after so many minutes (`inMinutes`) or at a time (`at`, ISO 8601 with its offset). " +
    "Give one of the two. Answers when it will come, and an id.",
  input: z.object({
    text: z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.reminderTextCharsMax)),
    inMinutes: z.optional(z.number().check(z.gt(0), z.lte(minutesMax))),
    at: z.optional(z.iso.datetime({ offset: true })),
  }),
  effect: "write",
  scopes: ["reminder:write"],
  timeoutMs: limits.toolTimeoutMs,
  retries: 1,
  rate: { calls: 10, windowMs: 60_000 },
  async execute(context: ToolContext<ReminderServices>, { text, inMinutes, at }) {
    const { services, userId, conversationId, idempotencyKey, clock } = context;
    if (conversationId === undefined) return failed("There is no conversation here that a reminder could come into.");
    if ((inMinutes === undefined) === (at === undefined)) return failed("Give either `inMinutes` or `at`.");
    const now = clock.now();
    const atMs = at === undefined ? now + Math.round((inMinutes ?? 0) * minuteMs) : Date.parse(at);
    if (atMs <= now) return failed(`That time is over: now it is ${new Date(now).toISOString()}.`);
    if (atMs > now + limits.waitMsMax) return failed("A reminder comes within a year at the latest.");
    const { reminderId } = await services.reminders.schedule({
      userId,
      conversationId,
      text,
      atMs,
      key: idempotencyKey,
    });
    return ok({ reminderId, at: new Date(atMs).toISOString() });
  },
});
