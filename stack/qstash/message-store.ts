import type { Collection } from "../storage/collection.ts";
import type { Message } from "./message.ts";

/** The messages that are neither delivered nor failed nor cancelled, by id, oldest first. */
export interface MessageStore {
  add(message: Message): void;
  /** To be called after a record of the store was changed. */
  save(message: Message): void;
  get(messageId: string): Message | undefined;
  /** False when there is no such message any more. */
  remove(messageId: string): boolean;
  list(): Message[];
}

export function createMessageStore(messages: Collection<Message>): MessageStore {
  return {
    add: (message) => messages.put(message.messageId, message),
    save: (message) => messages.put(message.messageId, message),
    get: messages.get,
    remove: messages.remove,
    list: messages.values,
  };
}
