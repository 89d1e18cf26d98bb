import type { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { readMessages } from "./api.ts";
import { mergeHistory } from "./merge-history.ts";
import { textOf } from "./message-text.ts";
import { isConnectionFailure } from "./problem.ts";

export function isBusy(chat: Chat<UIMessage>): boolean {
  return chat.status === "submitted" || chat.status === "streaming";
}

/**
 * Finds out what became of a turn whose connection broke, and shows it whole: follows it if it still runs, reads the
 * answer if it ended, and sends the question again if it never arrived. The message id makes that last step safe: the
 * server answers a repeated id with the turn that it already started.
 *
 * @param isOwn whether this window asked that question; nobody else's is sent again.
 * @returns false when the connection failed again and the same call is worth repeating.
 */
export async function recover(chat: Chat<UIMessage>, isOwn: (messageId: string) => boolean): Promise<boolean> {
  await chat.resumeStream();
  if (isConnectionFailure(chat.error)) return false;
  if (chat.status !== "ready") return true;
  try {
    await catchUp(chat);
  } catch (error) {
    return !isConnectionFailure(error instanceof Error ? error : undefined);
  }
  const last = chat.messages.at(-1);
  if (last?.role === "user" && isOwn(last.id)) await resend(chat, last);
  return !isConnectionFailure(chat.error);
}

/** Replaces what is shown by what the server recorded. Does nothing while an answer streams in: that is newer. */
export async function catchUp(chat: Chat<UIMessage>): Promise<void> {
  const recorded = await readMessages(chat.id);
  if (!isBusy(chat)) chat.messages = mergeHistory(chat.messages, recorded);
}

/** Sends a question again under its id. What stands behind it is dropped: it is the answer that failed. */
export async function resend(chat: Chat<UIMessage>, question: UIMessage): Promise<void> {
  await chat.sendMessage({ text: textOf(question), messageId: question.id });
}
