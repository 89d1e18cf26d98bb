/**
 * Erases everything of a user, and proves it: after the erasure all keys of the storage are looked through until nothing of the user is found.
 *
 * F1 The run belongs to nobody: neither the user's sessions nor the journals of their runs, which go first, carry it. It goes on through any crash as runs do.
 * F2 Who was at work when the erasure began may write once more, and notices at its next sign of life that what it writes to is gone. So between two looks there is
 *    time for that, and only a look that finds nothing behind such a time is the last.
 */
import * as z from "zod/mini";
import { isUserId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { RunFailed, StepFailed } from "../engine/failures.ts";
import type { RunContext } from "../engine/run-context.ts";
import { defineRun } from "../engine/run-definition.ts";
import { memorySlot } from "../engine/working-memory.ts";
import { addCounts, nothingErased, start, totalOf, type Eraser, type KeyCounts } from "./eraser.ts";

export interface EraseServices {
  readonly eraser: Eraser;
  /** What the queue has for the user. Both are safe to repeat. */
  readonly schedulesOf: (userId: string) => Promise<readonly string[]>;
  readonly forgetSchedule: (userId: string, scheduleId: string) => Promise<void>;
}

/** The proof: what was erased, by kind, and how many keys each look found, the erasure by the indices not counted. */
export const Erasure = z.object({
  erased: z.record(z.string(), z.number()),
  looks: z.array(z.number()),
});
export type Erasure = z.infer<typeof Erasure>;

/** What is known of an erasure that goes on. */
export const erasureSlot = memorySlot("erasure", Erasure);

type Context = RunContext<EraseServices>;

export const eraseUser = defineRun({
  name: "erase-user",
  version: 1,
  isInternal: true,
  isQuiet: true,
  input: z.object({ userId: z.string().check(z.refine(isUserId)) }),
  async run(ctx: Context, { userId }): Promise<Erasure> {
    await forgetSchedules(ctx, userId);
    let erased = await eraseIndexed(ctx, userId);
    const looks: number[] = [];
    for (;;) {
      const found = await look(ctx, userId);
      erased = addCounts(erased, found);
      looks.push(totalOf(found));
      ctx.memory.set(erasureSlot, { erased, looks });
      if (totalOf(found) === 0 && looks.length > 1) return { erased, looks };
      if (looks.length >= limits.eraseLooksMax) {
        throw new RunFailed(`Something of the user was found at each of ${looks.length} looks.`, {
          code: "not_erased",
        });
      }
      await ctx.sleep("until-writers-have-noticed", limits.eraseSettleMs);
    }
  },
});

/** A queue that cannot be reached stops nothing: a firing that finds no schedule has the queue forget it. */
async function forgetSchedules(ctx: Context, userId: string): Promise<void> {
  const ids = await ctx.step("schedules", () => ctx.services.schedulesOf(userId));
  for (const id of ids) {
    try {
      await ctx.step("forget-schedule", () => ctx.services.forgetSchedule(userId, id));
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
    }
  }
}

function eraseIndexed(ctx: Context, userId: string): Promise<KeyCounts> {
  return ctx.loop("indexed", nothingErased, async (turn, before) => {
    const { erased, isMore } = await turn.step("erase", () => turn.services.eraser.eraseIndexed(userId));
    const sum = addCounts(before, erased);
    return isMore ? { kind: "next", state: sum } : { kind: "done", result: sum };
  });
}

interface Way {
  readonly [key: string]: string | KeyCounts;
  readonly from: string;
  readonly erased: KeyCounts;
}

/** Once through all keys. */
function look(ctx: Context, userId: string): Promise<KeyCounts> {
  const beginning: Way = { from: start, erased: nothingErased };
  return ctx.loop("look", beginning, async (turn, { from, erased }) => {
    const stretch = await turn.step("erase", () => turn.services.eraser.eraseStretch(userId, from));
    const sum = addCounts(erased, stretch.erased);
    return stretch.next === undefined
      ? { kind: "done", result: sum }
      : { kind: "next", state: { from: stretch.next, erased: sum } };
  });
}
