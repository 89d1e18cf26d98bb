/**
 * Sends dead letters on again, one after the other at a given rate, as a run of its own: so it may take hours, outlives a crash, and can be paused or cancelled.
 *
 * Only letters that were there when it began are taken. What fails again is a new letter and stays, so it ends.
 */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import type { RunContext } from "../engine/run-context.ts";
import { defineRun } from "../engine/run-definition.ts";
import type { DeadLetter, Whose } from "./dead-letter.ts";
import type { DeadLetterOutcome } from "./act-on-dead-letter.ts";
import type { DeadLetterPage } from "./list-dead-letters.ts";

export interface RedriveServices {
  readonly deadLetters: {
    readonly list: (whose: Whose, cursor: string | undefined) => Promise<DeadLetterPage>;
    readonly retry: (whose: Whose, letter: Pick<DeadLetter, "id" | "userId">) => Promise<DeadLetterOutcome>;
  };
}

const Redrive = z.object({
  /** Those of one cause; all without it. */
  cause: z.optional(z.string().check(z.maxLength(limits.causeCharsMax))),
  perMinute: z.int().check(z.gte(1), z.lte(limits.redrivePerMinuteMax)),
});

interface Progress extends Readonly<Record<string, number | string | undefined>> {
  readonly cursor: string | undefined;
  readonly pages: number;
  readonly retried: number;
  readonly left: number;
}

export const redriveDeadLetters = defineRun({
  name: "redrive-dead-letters",
  version: 1,
  input: Redrive,
  isQuiet: true,
  async run(ctx: RunContext<RedriveServices>, { cause, perMinute }) {
    const beganAt = await ctx.step("begin", () => ctx.now(), { effect: "read" });
    const whose: Whose = ctx.userId === operatorsUserId ? "all" : { userId: ctx.userId };
    const start: Progress = { cursor: undefined, pages: 0, retried: 0, left: 0 };
    return ctx.loop("page", start, async (turn, progress) => {
      const page = await turn.step("look", () => wanted(turn.services, whose, progress.cursor, { cause, beganAt }), {
        effect: "read",
      });
      let [retried, left] = [0, 0];
      for (const letter of page.letters) {
        const outcome = await turn.step("retry", () => turn.services.deadLetters.retry(whose, letter), { retries: 10 });
        if (outcome.kind === "done") retried += 1;
        else left += 1;
        await turn.sleep("pace", Math.ceil(60_000 / perMinute));
      }
      const sum = { pages: progress.pages + 1, retried: progress.retried + retried };
      // What was retried has left the list and others have moved up: this place is looked at until nothing of it is taken.
      if (retried > 0 && sum.pages < limits.redrivePagesMax) return { kind: "next", state: { ...progress, ...sum } };
      const all = { ...sum, left: progress.left + left };
      if (page.next === undefined || sum.pages >= limits.redrivePagesMax) {
        return { kind: "done", result: { retried: all.retried, left: all.left } };
      }
      return { kind: "next", state: { ...all, cursor: page.next } };
    });
  },
});

type WantedLetter = Pick<DeadLetter, "id" | "userId">;

async function wanted(
  { deadLetters }: RedriveServices,
  whose: Whose,
  cursor: string | undefined,
  { cause, beganAt }: { readonly cause: string | undefined; readonly beganAt: number },
): Promise<{ readonly letters: readonly WantedLetter[]; readonly next?: string }> {
  const { letters, next } = await deadLetters.list(whose, cursor);
  const chosen = letters.filter(
    (letter) => letter.failedAt < beganAt && (cause === undefined || letter.cause.key === cause),
  );
  return { letters: chosen.map(({ id, userId }) => ({ id, userId })), ...(next === undefined ? {} : { next }) };
}

/** Whose runs those of operators are, and only theirs. Nobody can sign in as it. */
export const operatorsUserId = `usr_${"0".repeat(32)}`;
