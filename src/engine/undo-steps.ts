/**
 * Undoes what a run has done, in reverse order; each undoing is journaled and retried like a step, in segments like everything else.
 *
 * U1 Exactly the steps that were done and can be undone are undone, the last one first, each after the one before it has succeeded.
 * U2 What cannot be undone after all attempts parks the run and is named; a retry goes on with it.
 * U3 What can be undone and may have happened, because a segment died or an attempt failed meanwhile, is done again, under the same key, before anything is undone.
 * U4 A pause holds between two attempts.
 */
import { limits } from "../core/limits.ts";
import type { JsonValue } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { attemptStep, type AttemptParts } from "./attempt-step.ts";
import type { SegmentBudget } from "./budget.ts";
import type { Failure, StopReason } from "./journal-entry.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { createLazyAbort } from "./lazy-abort.ts";
import type { StepContext } from "./run-context.ts";
import type { RunState, SettledStep } from "./run-state.ts";

export interface Undoer {
  readonly undo: (result: JsonValue | undefined, step: StepContext) => unknown;
  readonly retries: number | undefined;
}

export type UndoEnd =
  | { readonly kind: "undone" }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | { readonly kind: "interrupted" }
  | { readonly kind: "out-of-budget"; readonly reason: StopReason }
  | { readonly kind: "stuck"; readonly failure: Failure; readonly step: string };

export interface UndoParts extends AttemptParts {
  readonly runId: string;
  readonly state: RunState;
  readonly undoers: ReadonlyMap<string, Undoer>;
  readonly writer: JournalWriter;
  readonly budget: SegmentBudget;
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

export const undoPrefix = "undo ";

/** The steps that a compensation undoes, in its order. */
export function undoPlan(state: RunState): SettledStep[] {
  const forward = state.settled.slice(0, state.undoing?.forwardSteps);
  return forward.filter(({ isUndoable }) => isUndoable).toReversed();
}

/** The steps that are still to be undone, by their names; the next one first. */
export function stepsToUndo(state: RunState): string[] {
  const done = new Set(state.settled.flatMap(({ step, outcome }) => (outcome.kind === "done" ? [step] : [])));
  return undoPlan(state)
    .map(({ step }) => step)
    .filter((step) => !done.has(`${undoPrefix}${step}`));
}

/** The undoing that comes next, by its name as a step. */
export function nextUndo(state: RunState): string | undefined {
  const [next] = stepsToUndo(state);
  return next === undefined ? undefined : `${undoPrefix}${next}`;
}

/** @throws LeaseLost, and whatever the storage throws. */
export async function undoSteps(parts: UndoParts): Promise<UndoEnd> {
  for (const done of undoPlan(parts.state)) {
    const step = `${undoPrefix}${done.step}`;
    const earlier = parts.state.settled.find((settled) => settled.step === step);
    if (earlier?.outcome.kind === "done") continue;
    if (earlier?.outcome.kind === "failed") return { kind: "stuck", failure: earlier.outcome.failure, step };
    const end = await undoStep(parts, step, done);
    if (end !== undefined) return end;
  }
  await parts.writer.flush();
  return parts.state.isPauseWanted ? interrupted : { kind: "undone" };
}

/** U4 */
const interrupted = { kind: "interrupted" } as const;

/** `undefined` when it is undone. */
async function undoStep(parts: UndoParts, step: string, done: SettledStep): Promise<UndoEnd | undefined> {
  const undoer = parts.undoers.get(done.step);
  if (undoer === undefined) return { kind: "stuck", failure: noUndoer(done.step), step };
  const value = done.outcome.kind === "done" ? done.outcome.value : undefined;
  for (;;) {
    const { count = 0, nextAtMs = 0 } = parts.state.attempts.get(step) ?? {};
    const waitMs = nextAtMs - parts.clock.now();
    if (waitMs > limits.inlineWaitMsMax || (waitMs > 0 && !parts.budget.hasTimeFor(waitMs))) {
      return { kind: "waiting", untilMs: nextAtMs };
    }
    if (waitMs > 0) await parts.pause(waitMs, parts.signal);
    const reason = parts.budget.admit(0);
    if (reason !== undefined) return { kind: "out-of-budget", reason };
    await parts.writer.flush();
    if (parts.state.isPauseWanted) return interrupted;
    const outcome = await attemptStep(parts, {
      idempotencyKey: `${parts.runId}/${step}`,
      attempt: count + 1,
      options: { retries: undoer.retries ?? limits.undoRetriesDefault },
      abort: createLazyAbort(),
      body: (context) => undoer.undo(value, context),
    });
    if (outcome.kind === "failed") {
      parts.writer.add({ type: "failed", step, failure: outcome.failure });
      await parts.writer.flush();
      return { kind: "stuck", failure: outcome.failure, step };
    }
    if (outcome.kind === "done") return void parts.writer.add({ type: "done", step });
    parts.writer.add({
      type: "attempted",
      step,
      attempt: count + 1,
      failure: outcome.failure,
      nextAtMs: parts.clock.now() + outcome.delayMs,
    });
    await parts.writer.flush();
  }
}

function noUndoer(step: string): Failure {
  return {
    name: "DivergedRun",
    code: "run_diverged",
    message: `Step "${step}" is to be undone, but the code no longer says how.`,
  };
}
