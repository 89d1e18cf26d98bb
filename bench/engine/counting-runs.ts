/** The runs that the bench starts: trivial steps, one after the other, each handed the result of the one before. */
import * as z from "zod/mini";
import type { RunContext } from "../../src/engine/run-context.ts";
import { createRunRegistry, defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";

const Counting = z.object({ steps: z.int().check(z.gte(1), z.lte(10_001)) });

async function count(ctx: RunContext<RunServices>, { steps }: { readonly steps: number }): Promise<number> {
  let sum = 0;
  for (let number = 1; number <= steps; number += 1) sum = await ctx.step("add", () => sum + 1);
  return sum;
}

export const countingRuns = createRunRegistry<RunServices>([
  defineRun({ name: "count", version: 1, input: Counting, run: count }),
  defineRun({ name: "count-quietly", version: 1, input: Counting, run: count, isQuiet: true }),
]);
