import { eventCountMax } from "./limits.ts";
import type { EventState, Message, MessageEvent, Outcome } from "./message.ts";

/** What happened to messages; beyond the limit the oldest events are dropped. */
export interface EventLog {
  /** Notes that `message` is in `state` now. The message is copied: the record lives on, the event tells what was. */
  note(state: EventState, message: Message, details?: { outcome?: Outcome; nextDeliveryMs?: number }): void;
  /** The newest first. */
  list(): MessageEvent[];
}

export function createEventLog(now: () => number): EventLog {
  let events: MessageEvent[] = [];
  return {
    note(state, message, details = {}) {
      events.push({ timeMs: now(), state, message: { ...message }, ...details });
      // Cut rarely and in one go: shifting each time would move the whole list.
      if (events.length > eventCountMax * 2) events = events.slice(-eventCountMax);
    },
    list: () => events.slice(-eventCountMax).toReversed(),
  };
}
