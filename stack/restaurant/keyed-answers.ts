/**
 * What `Idempotency-Key` promises: the same request under the same key has its effect once and is answered alike each time.
 *
 * K1 The first answer that stands for an effect is kept under its key, and given again to the same request.
 * K2 The key with another request is refused: somebody has mixed up two things.
 * K3 A refusal is not kept: it had no effect, and the same key may ask again (the card may be covered by then).
 */
import type { Collection } from "../storage/collection.ts";
import { Refusal } from "./refusal.ts";

export interface Answer {
  status: number;
  /** Sent as JSON; nothing is sent when it is absent. */
  body?: unknown;
}

export interface KeyedAnswer {
  key: string;
  /** Method, path and body of the request that the key stands for. */
  request: string;
  /** How often the key arrived, the first time included. */
  arrivals: number;
  /** Absent while all that the key got were refusals. */
  answer?: Answer;
}

export interface KeyedAnswers {
  /** @throws Refusal 400 without a key, 422 for a key of another request, and whatever `act` refuses. */
  once(key: string | undefined, request: string, act: (key: string) => Answer): Answer;
  list(): KeyedAnswer[];
  clear(): void;
}

const keyCharsMax = 512;

export function createKeyedAnswers(answers: Collection<KeyedAnswer>): KeyedAnswers {
  return {
    once(key, request, act) {
      if (key === undefined || key === "") throw new Refusal(400, "This request needs an Idempotency-Key.");
      if (key.length > keyCharsMax) throw new Refusal(400, `An Idempotency-Key has at most ${keyCharsMax} characters.`);
      const known = answers.get(key) ?? { key, request, arrivals: 0 };
      const entry = { ...known, arrivals: known.arrivals + 1 };
      answers.put(key, entry);
      if (entry.request !== request) throw new Refusal(422, "This Idempotency-Key was used for another request.");
      if (entry.answer !== undefined) return entry.answer;
      const answer = act(key);
      answers.put(key, { ...entry, answer });
      return answer;
    },
    list: answers.values,
    clear() {
      for (const { key } of answers.values()) answers.remove(key);
    },
  };
}
