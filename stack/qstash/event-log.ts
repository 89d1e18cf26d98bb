import type { Collection } from "../storage/collection.ts";
import { eventBytesMax, eventCountMax } from "./limits.ts";
import type { EventState, Message, MessageEvent, Outcome } from "./message.ts";

/** What happened to messages; beyond the limits the oldest events are dropped. */
export interface EventLog {
  /** Notes that `message` is in `state` now. The message is copied: the record lives on, the event tells what was. */
  note(state: EventState, message: Message, details?: { outcome?: Outcome; nextDeliveryMs?: number }): void;
  /** The newest first. */
  list(): MessageEvent[];
}

/** An event with its number; the numbers of all that are kept follow each other. */
export interface NumberedEvent extends MessageEvent {
  number: number;
}

export function createEventLog(events: Collection<NumberedEvent>, now: () => number): EventLog {
  let oldest = events.first()?.number ?? 0;
  let next = oldest + events.size();
  let bytes = events.values().reduce((sum, event) => sum + bytesOf(event), 0);

  /** Rarely and in one go: what is dropped one by one would be paid for with each event. */
  function dropOldest(): void {
    while (next - oldest > eventCountMax || bytes > eventBytesMax) {
      const id = String(oldest++);
      bytes -= bytesOf(events.get(id));
      events.remove(id);
    }
  }

  return {
    note(state, message, details = {}) {
      const event = { number: next, timeMs: now(), state, message: { ...message }, ...details };
      events.put(String(next++), event);
      bytes += bytesOf(event);
      if (next - oldest > eventCountMax * 2 || bytes > eventBytesMax * 2) dropOldest();
    },
    list: () => events.values().slice(-eventCountMax).toReversed(),
  };
}

/** Of the bodies, which are all that can be large. */
function bytesOf(event: MessageEvent | undefined): number {
  return (event?.message.body.length ?? 0) + (event?.outcome?.body.length ?? 0);
}
