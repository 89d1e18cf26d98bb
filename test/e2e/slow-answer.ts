/** An answer that is said word by word, when the test says so: the stack's clock is frozen and moved by hand. */
import { expect } from "vitest";
import type { RunningStack } from "../../stack/start-stack.ts";

export interface SlowAnswer {
  /** The whole answer. */
  text: string;
  /** Resolves once the model has been asked, then says that many more words. */
  say(count: number): Promise<void>;
  sayRest(): Promise<void>;
}

const WORDS = 40;
const MS_PER_WORD = 100;

/** The next call of the model is answered with `word1 word2 … word40`. */
export function slowAnswer(stack: RunningStack): SlowAnswer {
  const text = Array.from({ length: WORDS }, (_, index) => `word${index + 1}`).join(" ");
  const before = stack.model.requests().length;
  stack.clock.freeze();
  stack.model.script({ kind: "slow", text, msPerChunk: MS_PER_WORD });

  const asked = (): Promise<void> =>
    expect.poll(() => stack.model.requests().length, { timeout: 20_000 }).toBeGreaterThan(before);
  const say = async (count: number): Promise<void> => {
    await asked();
    for (let said = 0; said < count; said++) await stack.clock.advance(MS_PER_WORD);
  };
  return {
    text,
    say,
    async sayRest() {
      await asked();
      stack.clock.release();
    },
  };
}
