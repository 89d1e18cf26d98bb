import type { Ending, SendCallbacks } from "./callbacks.ts";
import type { DeadLetterStore } from "./dead-letter-store.ts";

/** Does what follows from the end of a message. Returns the ids of the messages that it sent. */
export type Conclude = (ending: Ending) => string[];

/** A failure becomes a dead letter; callbacks are told. */
export function createConclude(o: {
  deadLetters: DeadLetterStore;
  sendCallbacks: SendCallbacks;
  now: () => number;
}): Conclude {
  return (ending) => {
    if (!ending.isFailed) return o.sendCallbacks(ending);
    const { dlqId } = o.deadLetters.add(ending.message, ending.outcome, o.now());
    return o.sendCallbacks({ ...ending, dlqId });
  };
}
