/** What runs leave in the conversations that they belong to; see `ConversationNote`. */
import { limits } from "../core/limits.ts";
import type { ConversationNote, RunRef } from "../engine/journal.ts";
import { formatRunNotice } from "../event/run-notice.ts";
import type { Batch } from "./batch.ts";
import { conversationIndexKey, conversationRunsKey, eventsKey, messagesKey } from "./keys.ts";
import { readInteger, readNothing } from "./reply.ts";

/** Who follows the conversation follows its runs from now on, too. */
export function addAnnouncement(batch: Batch, ref: RunRef, note: ConversationNote, startedAtMs: number): void {
  const { conversationId } = note;
  if (note.messages.length > 0) addNote(batch, ref, note, startedAtMs);
  const key = conversationRunsKey(ref.userId, conversationId);
  void batch.add(["ZADD", key, "NX", startedAtMs, ref.runId], readInteger);
  void batch.add(["EXPIRE", key, limits.runTtlSeconds], readInteger);
  const channel = eventsKey(ref.userId, conversationId);
  void batch.add(["PUBLISH", channel, JSON.stringify([formatRunNotice(ref.runId)])], readInteger);
}

/** `noteCommands` commands. */
export function addFarewell(batch: Batch, ref: RunRef, note: ConversationNote, nowMs: number): void {
  addNote(batch, ref, note, nowMs);
  void batch.add(["ZREM", conversationRunsKey(ref.userId, note.conversationId), ref.runId], readInteger);
}

/** Runs are rarer than turns: unlike those they do not spare expiries that are not due. */
function addNote(
  batch: Batch,
  ref: RunRef,
  { conversationId, messages, title }: ConversationNote,
  nowMs: number,
): void {
  const index = conversationIndexKey(ref.userId);
  const memory = messagesKey(ref.userId, conversationId);
  if (messages.length > 0) void batch.add(["RPUSH", memory, ...messages], readInteger);
  void batch.add(["LTRIM", memory, -limits.conversationMessagesMax, -1], readNothing);
  void batch.add(["EXPIRE", memory, limits.conversationTtlSeconds], readInteger);
  void batch.add(["HSET", index, `${conversationId}:at`, nowMs], readInteger);
  void batch.add(["HSETNX", index, `${conversationId}:title`, title], readInteger);
  void batch.add(["EXPIRE", index, limits.conversationTtlSeconds], readInteger);
}
