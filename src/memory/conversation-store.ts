import type { ConversationRef } from "../event/event-log.ts";
import type { ConversationMemory } from "./summary.ts";

export interface ConversationSummary {
  readonly id: string;
  readonly title: string;
  /** Unix ms of its last turn. */
  readonly updatedAt: number;
}

/** Conversations of a user and their messages. The turn's own writes go through `EventLog`, in the same transaction as its events. */
export interface ConversationStore {
  /** Newest first, at most `limits.conversationsPerUserMax`; those whose messages have expired are left out. 1 round trip, 2 billed commands. */
  list(userId: string): Promise<ConversationSummary[]>;
  /** `undefined` when the user has no such conversation. 1 round trip, 1 billed command. */
  find(ref: ConversationRef): Promise<ConversationSummary | undefined>;
  /** False when the user has no such conversation. */
  rename(ref: ConversationRef, title: string): Promise<boolean>;
  /** Removes messages, events and the entry in the list at once; a turn that runs finds out at its next flush. False when there was none. */
  remove(ref: ConversationRef): Promise<boolean>;
  /** At most `limits.conversationMessagesMax` messages. Empty for a conversation that does not exist. 1 round trip, 1 billed command. */
  memory(ref: ConversationRef): Promise<ConversationMemory>;
}
