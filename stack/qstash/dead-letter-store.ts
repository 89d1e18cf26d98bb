import { deadLetterCountMax } from "./limits.ts";
import type { DeadLetter, Message, Outcome } from "./message.ts";

/** Messages that failed for good, oldest first; beyond the limit the oldest are dropped. */
export interface DeadLetterStore {
  add(message: Message, outcome: Outcome, nowMs: number): DeadLetter;
  get(dlqId: string): DeadLetter | undefined;
  /** The removed entry, undefined when there was none: of two callers only one gets it. */
  take(dlqId: string): DeadLetter | undefined;
  list(): DeadLetter[];
}

export function createDeadLetterStore(): DeadLetterStore {
  const letters = new Map<string, DeadLetter>();
  let added = 0;
  return {
    add(message, outcome, nowMs) {
      const letter = { dlqId: `${nowMs}-${added++}`, failedAtMs: nowMs, message, outcome };
      letters.set(letter.dlqId, letter);
      const oldest = letters.keys().next();
      if (letters.size > deadLetterCountMax && !oldest.done) letters.delete(oldest.value);
      return letter;
    },
    get: (dlqId) => letters.get(dlqId),
    take(dlqId) {
      const letter = letters.get(dlqId);
      letters.delete(dlqId);
      return letter;
    },
    list: () => [...letters.values()],
  };
}
