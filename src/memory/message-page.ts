/** Pages of a conversation, from its newest messages back to its oldest. */
import { clientIdPattern } from "../core/ids.ts";
import type { Message } from "./message.ts";

/** A message, by id and time: where it is gone, the time still says what came before it. Clients treat it as opaque. */
export interface MessageCursor {
  readonly id: string;
  /** Unix ms. */
  readonly at: number;
}

export interface MessagePage {
  /** Chronological. */
  readonly messages: readonly Message[];
  /** Present when there are older ones: the page before this one ends before it. */
  readonly next: MessageCursor | undefined;
}

export function formatMessageCursor({ id, at }: MessageCursor): string {
  return `${at}-${id}`;
}

/** `undefined` for what this server cannot have given out. */
export function parseMessageCursor(text: string): MessageCursor | undefined {
  const match = /^(\d{1,15})-(.+)$/s.exec(text);
  const id = match?.[2] ?? "";
  return clientIdPattern.test(id) ? { id, at: Number(match?.[1]) } : undefined;
}

/** @param before where the page ends; the newest messages without it. */
export function pageOfMessages(
  messages: readonly Message[],
  { before, count }: { readonly before: MessageCursor | undefined; readonly count: number },
): MessagePage {
  const end = before === undefined ? messages.length : placeOf(messages, before);
  const from = Math.max(0, end - count);
  const first = messages[from];
  const next = from > 0 && first !== undefined ? { id: first.id, at: first.metadata.at } : undefined;
  return { messages: messages.slice(from, end), next };
}

function placeOf(messages: readonly Message[], { id, at }: MessageCursor): number {
  const index = messages.findIndex((message) => message.id === id);
  if (index >= 0) return index;
  const later = messages.findIndex(({ metadata }) => metadata.at >= at);
  return later < 0 ? messages.length : later;
}
