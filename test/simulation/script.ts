/**
 * Runs that are written by chance: a script of steps, waits, children and loops, which one definition performs, and what must come of it.
 *
 * Each step hands on a chain of all results before it, so that a result which was decided twice, or lost, breaks everything after it.
 */
import * as z from "zod/mini";
import { RunFailed, StepFailed } from "../../src/engine/failures.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { Chance } from "./chance.ts";
import type { Isolate } from "./things.ts";

export type Line =
  | {
      readonly kind: "step";
      readonly name: string;
      readonly isUndoable: boolean;
      readonly failures: number;
      readonly retries: number;
    }
  | { readonly kind: "all"; readonly branches: readonly (readonly Line[])[] }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "signal"; readonly name: string; readonly timeoutMs: number }
  | { readonly kind: "child"; readonly lines: readonly Line[] }
  | { readonly kind: "loop"; readonly turns: number; readonly lines: readonly Line[] }
  | { readonly kind: "emit" }
  | { readonly kind: "throw" };

export interface ScriptServices {
  readonly isolate: Isolate;
  /** Acts on the world; answers with the number of the effect. */
  readonly act: (key: string, isFailing: boolean) => Promise<number>;
  /** Failures that a step still has to go through, counted by the world: they are the world's, not the run's. */
  readonly failuresLeft: (key: string, failures: number) => boolean;
}

const Script = z.object({ lines: z.array(z.unknown()) });

export const script = defineRun({
  name: "script",
  version: 1,
  input: Script,
  async run(ctx: RunContext<ScriptServices>, { lines }): Promise<string> {
    return perform(ctx, lines as Line[], "");
  },
});

async function perform(ctx: RunContext<ScriptServices>, lines: readonly Line[], before: string): Promise<string> {
  let chain = before;
  for (const line of lines) chain = await performLine(ctx, line, chain);
  return chain;
}

async function performLine(ctx: RunContext<ScriptServices>, line: Line, chain: string): Promise<string> {
  switch (line.kind) {
    case "step":
      return performStep(ctx, line, chain);
    case "all": {
      const chains = await ctx.all(line.branches.map((branch) => perform(ctx, branch, "")));
      return `${chain}[${chains.join("|")}]`;
    }
    case "sleep":
      await ctx.sleep("nap", line.ms);
      return `${chain}z`;
    case "signal": {
      const outcome = await ctx.waitForSignal(line.name, { timeout: line.timeoutMs });
      return `${chain}${outcome.kind === "received" ? `!${String(outcome.payload)}` : "?"}`;
    }
    case "child":
      try {
        return `${chain}(${await ctx.child("child", script, { lines: [...line.lines] })})`;
      } catch (error) {
        if (!(error instanceof StepFailed)) throw error;
        return `${chain}(x)`;
      }
    case "loop":
      return ctx.loop("loop", { turn: 1, chain }, async (inner, state) => {
        const after = `${await perform(inner, line.lines, state.chain)}~`;
        if (state.turn >= line.turns) return { kind: "done", result: after };
        return { kind: "next", state: { turn: state.turn + 1, chain: after } };
      });
    case "emit":
      ctx.emit("said", { chain: chain.length, at: ctx.now(), chance: ctx.random() });
      return chain;
    case "throw":
      throw new RunFailed("the script says so");
  }
}

async function performStep(
  { services, step }: RunContext<ScriptServices>,
  line: Extract<Line, { kind: "step" }>,
  chain: string,
): Promise<string> {
  const { name, isUndoable, failures, retries } = line;
  try {
    const number = await step(
      name,
      ({ idempotencyKey }) => services.act(idempotencyKey, services.failuresLeft(idempotencyKey, failures)),
      {
        retries,
        backoff: 500,
        ...(isUndoable ? { compensate: (_result, { idempotencyKey }) => services.act(idempotencyKey, false) } : {}),
      },
    );
    return `${chain}.${name}=${String(number)}`;
  } catch (error) {
    // Half of the scripts go on another way.
    if (error instanceof StepFailed && name.endsWith("-caught")) return `${chain}.${name}=x`;
    throw error;
  }
}

/** @param depth how far children, loops and branches may still nest. */
export function writeScript(chance: Chance, depth = 2, isInLoop = false): Line[] {
  return Array.from({ length: chance.between(1, 5) }, () => writeLine(chance, depth, isInLoop));
}

function writeLine(chance: Chance, depth: number, isInLoop: boolean): Line {
  const dice = chance.next();
  if (dice < 0.55 || depth === 0) return writeStep(chance, isInLoop);
  if (dice < 0.65) {
    return {
      kind: "all",
      branches: Array.from({ length: chance.between(2, 4) }, () => writeScript(chance, 0, isInLoop)),
    };
  }
  if (dice < 0.75) return { kind: "sleep", ms: chance.pick([0, 700, 5_000, 3_600_000, 9 * 86_400_000]) };
  if (dice < 0.83) return { kind: "signal", name: "word", timeoutMs: chance.pick([1_000, 60_000, 86_400_000]) };
  if (dice < 0.88 && !isInLoop) return { kind: "child", lines: writeScript(chance, depth - 1) };
  if (dice < 0.93 && !isInLoop)
    return { kind: "loop", turns: chance.between(1, 4), lines: writeScript(chance, depth - 1, true) };
  if (dice < 0.98) return { kind: "emit" };
  return { kind: "throw" };
}

function writeStep(chance: Chance, isInLoop: boolean): Line {
  const failures = chance.happens(0.25) ? chance.between(1, 4) : 0;
  const isCaught = chance.happens(0.5);
  return {
    kind: "step",
    name: isCaught ? "do-caught" : "do",
    isUndoable: !isInLoop && chance.happens(0.5),
    failures,
    retries: chance.between(0, 4),
  };
}
