import { derivedRunId } from "../core/ids.ts";
import type { EngineParts } from "../engine/engine-parts.ts";
import { startInline } from "../engine/start-inline.ts";
import type { StartRequest } from "../engine/start-request.ts";
import type { ConversationStore } from "../memory/conversation-store.ts";
import type { Reminders } from "../tool/reminder.ts";
import { reminderMessage, reminderRun, type ReminderPost, type ReminderRunServices } from "./reminder-runs.ts";

export interface RemindersParts<Services> {
  /** Asked for when it is needed: the engine's services hold what is made here. */
  readonly engine: () => EngineParts<Services>;
  readonly conversations: Pick<ConversationStore, "find">;
}

/** The two ends of a reminder: the tool that asks for it, and the run that brings it when its time has come. */
export function createReminders<Services extends ReminderRunServices>({
  engine,
  conversations,
}: RemindersParts<Services>): { readonly reminders: Reminders; readonly postReminder: ReminderPost } {
  /** Once it is durable it goes on, here or elsewhere. */
  async function start(request: StartRequest<Services>): Promise<void> {
    const parts = engine();
    const { segment } = await startInline(parts, request);
    await segment?.catch((cause: unknown) => parts.log.warn("a reminder's segment broke off", { cause }));
  }

  return {
    reminders: {
      async schedule({ userId, conversationId, text, atMs, key }) {
        const ref = { userId, runId: await derivedRunId(`reminder ${key}`) };
        await start({ ref, definition: reminderRun, input: { conversationId, text, atMs } });
        return { reminderId: ref.runId };
      },
    },
    async postReminder(ref, { text, key }) {
      if ((await conversations.find(ref)) === undefined) return "gone";
      const { userId, conversationId } = ref;
      const run = { userId, runId: await derivedRunId(`reminder message ${key}`) };
      await start({ ref: run, definition: reminderMessage, input: { text }, conversationId });
      return "posted";
    },
  };
}
