/**
 * Reminders are runs: one sleeps until the time has come, which may take days and survives whatever happens meanwhile; it can be seen and cancelled like any run. It does not belong
 * to its conversation, or readers would follow it all the time. When it wakes it starts one that does, and that leaves the message behind with its end.
 */
import * as z from "zod/mini";
import { clientIdPattern } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { RunContext } from "../engine/run-context.ts";
import { defineRun } from "../engine/run-definition.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { Message } from "../memory/message.ts";

export interface ReminderPost {
  /**
   * Brings the text into the conversation, once for a key.
   * @returns `gone` when the conversation is no more: then nobody is reminded.
   */
  (ref: ConversationRef, reminder: { readonly text: string; readonly key: string }): Promise<"posted" | "gone">;
}

export interface ReminderRunServices {
  readonly postReminder: ReminderPost;
}

const Text = z.string().check(z.minLength(1), z.maxLength(limits.reminderTextCharsMax));

const Reminder = z.object({ conversationId: z.string().check(z.regex(clientIdPattern)), text: Text, atMs: z.int() });

export const reminderRun = defineRun({
  name: "reminder",
  version: 1,
  isInternal: true,
  input: Reminder,
  isQuiet: true,
  async run({ userId, services, ...ctx }: RunContext<ReminderRunServices>, { conversationId, text, atMs }) {
    await ctx.sleepUntil("until-due", atMs);
    const ref = { userId, conversationId };
    const outcome = await ctx.step("post", ({ idempotencyKey }) =>
      services.postReminder(ref, { text, key: idempotencyKey }),
    );
    return { outcome };
  },
});

const Posted = z.object({ text: Text });

/** What the conversation sees of a reminder: a run that begins, says it and ends. */
export const reminderMessage = defineRun({
  name: "reminder-message",
  version: 1,
  isInternal: true,
  input: Posted,
  async run(ctx: RunContext, { text }) {
    ctx.emit("reminder", { text });
    return { text };
  },
  inConversation: {
    opening: () => ({ messages: [], title: "Reminder" }),
    closing: ({ ref, input: { text }, endedAtMs }) => {
      const message: Message = {
        id: ref.runId.replace(/^run_/, "msg_"),
        role: "assistant",
        parts: [{ type: "text", text: `Reminder: ${text}` }],
        metadata: { at: endedAtMs, state: "complete" },
      };
      return { messages: [JSON.stringify(message)], title: "Reminder" };
    },
  },
});
