import type { Collection } from "../storage/collection.ts";
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

export function createDeadLetterStore(letters: Collection<DeadLetter>): DeadLetterStore {
  let added = 0;

  /** The count begins anew with the process, and a frozen clock may stand where it stood before. */
  function newId(nowMs: number): string {
    const dlqId = `${nowMs}-${added++}`;
    return letters.get(dlqId) === undefined ? dlqId : newId(nowMs);
  }

  return {
    add(message, outcome, nowMs) {
      const letter = { dlqId: newId(nowMs), failedAtMs: nowMs, message, outcome };
      letters.put(letter.dlqId, letter);
      const oldest = letters.first();
      if (letters.size() > deadLetterCountMax && oldest !== undefined) letters.remove(oldest.dlqId);
      return letter;
    },
    get: letters.get,
    take(dlqId) {
      const letter = letters.get(dlqId);
      letters.remove(dlqId);
      return letter;
    },
    list: letters.values,
  };
}
