/** Runs that tests start beside those of the app. */
import * as z from "zod/mini";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import { memorySlot } from "../../src/engine/working-memory.ts";
import type { RunServices } from "../../src/wire/runs.ts";

type Ctx = RunContext<RunServices>;

const Count = z.object({ count: z.int().check(z.gte(0), z.lte(1_000)) });

async function manySteps(ctx: Ctx, { count }: { readonly count: number }): Promise<number> {
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += await ctx.step("add", () => index);
  return sum;
}

/** `count` steps one after the other; its readers are told of each. */
export const toldSteps = defineRun({ name: "told-steps", version: 1, input: Count, run: manySteps });

/** The same, followed by nobody. */
export const quietSteps = defineRun({ name: "quiet-steps", version: 1, input: Count, isQuiet: true, run: manySteps });

const stage = memorySlot("stage", z.string());
const brought = memorySlot("payload", z.unknown());

/** Waits for a signal `go`, then ends with what it brought. */
export const waitForGo = defineRun({
  name: "wait-for-go",
  version: 1,
  input: z.object({ timeoutMs: z.optional(z.number()) }),
  async run(ctx: Ctx, { timeoutMs }) {
    await ctx.step("prepare", () => "ready", { compensate: () => undefined });
    ctx.memory.set(stage, "waiting");
    const outcome = await ctx.waitForSignal("go", timeoutMs === undefined ? {} : { timeout: timeoutMs });
    ctx.memory.set(stage, "gone");
    if (outcome.kind === "received") ctx.memory.set(brought, outcome.payload);
    return outcome;
  },
});

/** Has the queue ask the partner, and ends with the answer. */
export const askPartner = defineRun({
  name: "ask-partner",
  version: 1,
  input: z.object({ url: z.string() }),
  run: async (ctx: Ctx, { url }) => (await ctx.call("ask", { url, retries: 0 })).body,
});

/** Has another run do its work. */
export const childOfTwo = defineRun({
  name: "child-of-two",
  version: 1,
  input: z.object({}),
  run: (ctx: Ctx) => ctx.child("work", toldSteps, { count: 2 }),
});

/** Has a defect, so that it is parked at its first segment. */
export const defective = defineRun({
  name: "defective",
  version: 1,
  input: z.object({}),
  run: () => Promise.reject(new TypeError("a defect of this run")),
});
