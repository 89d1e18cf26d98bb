/**
 * Runs that are written by chance: a script of steps, waits, children and loops, which one definition performs, and what must come of it.
 *
 * Each step hands on a chain of all results before it, so that a result which was decided twice, or lost, breaks everything after it.
 */
import * as z from "zod/mini";
import { RunFailed, StepFailed } from "../../src/engine/failures.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun, type RunDefinition } from "../../src/engine/run-definition.ts";
import type { Chance } from "./chance.ts";

export type Line =
  | {
      readonly kind: "step";
      readonly name: string;
      readonly isUndoable: boolean;
      readonly failures: number;
      readonly retries: number;
      /** Of its compensation. */
      readonly undoFailures: number;
    }
  | { readonly kind: "all"; readonly branches: readonly (readonly Line[])[] }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "signal"; readonly name: string; readonly timeoutMs: number }
  | { readonly kind: "call" }
  | { readonly kind: "child"; readonly lines: readonly Line[] }
  | { readonly kind: "loop"; readonly turns: number; readonly lines: readonly Line[] }
  | { readonly kind: "emit" }
  | { readonly kind: "throw" }
  /** A defect, until somebody has mended it. */
  | { readonly kind: "defect"; readonly times: number };

export interface Act {
  readonly key: string;
  /** Which line of which run, in which turn of its loops. */
  readonly label: string;
  readonly isFailing: boolean;
  readonly attemptsMax: number;
  readonly isUndoable: boolean;
}

export interface ScriptServices {
  /** Acts on the world; answers with the number of the effect. */
  readonly act: (act: Act) => Promise<number>;
  /** Whether it is one of the first so many times: counted by the world, for failures are the world's, not the run's. */
  readonly isAmongFirst: (what: string, times: number) => boolean;
}

type Script = RunDefinition<{ lines: unknown[] }, string, ScriptServices>;

const undoRetries = 2;

/** @param name what is learned about a definition is learned of all runs of that name. */
export function createScript(name: string): Script {
  const script: Script = defineRun({
    name,
    version: 1,
    input: z.object({ lines: z.array(z.unknown()) }),
    run: (ctx: RunContext<ScriptServices>, { lines }): Promise<string> => perform(ctx, lines as Line[], "", ""),
  });

  async function perform(
    ctx: RunContext<ScriptServices>,
    lines: readonly Line[],
    before: string,
    path: string,
  ): Promise<string> {
    let chain = before;
    for (const [index, line] of lines.entries()) chain = await performLine(ctx, line, chain, `${path}/${index}`);
    return chain;
  }

  async function performLine(
    ctx: RunContext<ScriptServices>,
    line: Line,
    chain: string,
    path: string,
  ): Promise<string> {
    switch (line.kind) {
      case "step":
        return performStep(ctx, line, chain, path);
      case "all": {
        const chains = await ctx.all(
          line.branches.map((branch, index) => perform(ctx, branch, "", `${path}|${index}`)),
        );
        return `${chain}[${chains.join("|")}]`;
      }
      case "sleep":
        await ctx.sleep("nap", line.ms);
        return `${chain}z`;
      case "signal": {
        const outcome = await ctx.waitForSignal(line.name, { timeout: line.timeoutMs });
        return `${chain}${outcome.kind === "received" ? `!${String(outcome.payload)}` : "?"}`;
      }
      case "call": {
        const { status } = await ctx.call("ask", { url: "https://there.test/" });
        return `${chain}c${status}`;
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
          const after = `${await perform(inner, line.lines, state.chain, `${path}~${state.turn}`)}~`;
          if (state.turn >= line.turns) return { kind: "done", result: after };
          return { kind: "next", state: { turn: state.turn + 1, chain: after } };
        });
      case "emit":
        ctx.emit("said", { path, chance: ctx.random(), now: ctx.now() });
        return chain;
      case "throw":
        throw new RunFailed("the script says so");
      case "defect":
        if (ctx.services.isAmongFirst(`${ctx.runId} ${path}`, line.times)) throw new TypeError("a defect");
        return chain;
    }
  }
  return script;
}

async function performStep(
  { runId, services, step }: RunContext<ScriptServices>,
  line: Extract<Line, { kind: "step" }>,
  chain: string,
  path: string,
): Promise<string> {
  const { name, isUndoable, failures, retries, undoFailures } = line;
  const act = (key: string, times: number, attempts: number): Promise<number> =>
    services.act({
      key,
      label: `${runId} ${key.includes("/undo ") ? "undo " : ""}${path}`,
      isFailing: services.isAmongFirst(key, times),
      attemptsMax: attempts,
      isUndoable: isUndoable && !key.includes("/undo "),
    });
  try {
    const number = await step(name, ({ idempotencyKey }) => act(idempotencyKey, failures, retries + 1), {
      retries,
      backoff: 500,
      dryResult: -1,
      compensateRetries: undoRetries,
      ...(isUndoable
        ? { compensate: (_result, { idempotencyKey }) => act(idempotencyKey, undoFailures, undoRetries + 1) }
        : {}),
    });
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
  if (dice < 0.52 || depth === 0) return writeStep(chance, isInLoop);
  if (dice < 0.62) {
    return {
      kind: "all",
      branches: Array.from({ length: chance.between(2, 4) }, () => writeScript(chance, 0, isInLoop)),
    };
  }
  if (dice < 0.71) return { kind: "sleep", ms: chance.pick([0, 700, 5_000, 3_600_000, 9 * 86_400_000]) };
  if (dice < 0.79) return { kind: "signal", name: "word", timeoutMs: chance.pick([1_000, 60_000, 86_400_000]) };
  if (dice < 0.83) return { kind: "call" };
  if (dice < 0.88 && !isInLoop) return { kind: "child", lines: writeScript(chance, depth - 1) };
  if (dice < 0.93) return { kind: "loop", turns: chance.between(1, 4), lines: writeScript(chance, depth - 1, true) };
  if (dice < 0.97) return { kind: "emit" };
  return dice < 0.985 ? { kind: "throw" } : { kind: "defect", times: chance.between(1, 2) };
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
    undoFailures: chance.happens(0.2) ? chance.between(1, 4) : 0,
  };
}
