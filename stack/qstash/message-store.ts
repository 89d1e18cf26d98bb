import type { Message } from "./message.ts";

/** The messages that are neither delivered nor failed nor cancelled, by id, oldest first. */
export interface MessageStore {
  add(message: Message): void;
  get(messageId: string): Message | undefined;
  /** False when there is no such message any more. */
  remove(messageId: string): boolean;
  list(): Message[];
}

export function createMessageStore(): MessageStore {
  const messages = new Map<string, Message>();
  return {
    add: (message) => void messages.set(message.messageId, message),
    get: (messageId) => messages.get(messageId),
    remove: (messageId) => messages.delete(messageId),
    list: () => [...messages.values()],
  };
}
