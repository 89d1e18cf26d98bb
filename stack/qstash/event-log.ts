import { eventCountMax } from "./limits.ts";
import type { MessageEvent } from "./message.ts";

/** What happened to messages, oldest first; beyond the limit the oldest are dropped. */
export interface EventLog {
  append(event: MessageEvent): void;
  /** The newest first. */
  list(): MessageEvent[];
}

export function createEventLog(): EventLog {
  let events: MessageEvent[] = [];
  return {
    append(event) {
      events.push(event);
      // Cut rarely and in one go: shifting each time would move the whole list.
      if (events.length > eventCountMax * 2) events = events.slice(-eventCountMax);
    },
    list: () => events.slice(-eventCountMax).reverse(),
  };
}
