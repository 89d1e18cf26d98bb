/** What must hold of every run when the world has come to rest. Each function answers with the violations in words. */
import { createRunFold } from "../../src/engine/fold-run.ts";
import { parseEntry } from "../../src/engine/journal-entry.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { isOver, type RunState } from "../../src/engine/run-state.ts";
import { undoPlan, undoPrefix } from "../../src/engine/undo-steps.ts";
import type { Effect } from "./things.ts";

/** E1, E3: what the journal says at any time, and what the world saw. */
export function checkJournal(ref: RunRef, entries: readonly string[], effects: readonly Effect[]): string[] {
  const violations: string[] = [];
  const fold = createRunFold();
  const decided = new Map<string, string>();
  for (const text of entries) {
    const entry = parseEntry(text);
    const wasOver = isOver(fold.state.status);
    const before = fold.state.settled.length;
    if (!fold.apply(text) || entry === undefined) continue;
    const { record } = entry;
    if (wasOver && record.type !== "retry") violations.push(`R5: ${record.type} counts after the end of ${ref.runId}`);
    if (record.type === "retry") decided.clear();
    if (record.type !== "done" && record.type !== "failed") continue;
    const outcome = JSON.stringify(record.type === "done" ? record.value : record.failure);
    const known = decided.get(record.step);
    if (known !== undefined && known !== outcome && fold.state.settled.length > before) {
      violations.push(`E1: ${ref.runId} ${record.step} was decided twice: ${known} and ${outcome}`);
    }
    decided.set(record.step, known ?? outcome);
    if (record.type !== "done" || typeof record.value !== "number") continue;
    const effect = effects[record.value];
    if (effect?.key !== `${ref.runId}/${record.step}`) {
      violations.push(`E1: the result of ${ref.runId} ${record.step} is that of ${effect?.key}`);
    }
  }
  return violations;
}

/** E4, E5, E7 */
export function checkRun(ref: RunRef, state: RunState, effects: readonly Effect[]): string[] {
  const violations: string[] = [];
  const undone = effects
    .filter(({ key }) => key.startsWith(`${ref.runId}/${undoPrefix}`))
    .map(({ key }) => key.split(`/${undoPrefix}`)[1]!);
  const plan = state.undoing === undefined ? [] : undoPlan(state).map(({ step }) => step);
  const order = [...new Set(undone)];
  if (isOver(state.status) && JSON.stringify(order) !== JSON.stringify(plan)) {
    violations.push(`E4: ${ref.runId} (${state.status}) undid [${order.join(", ")}] instead of [${plan.join(", ")}]`);
  }
  if (state.status === "failed" && state.undoing === undefined && state.settled.some(({ isUndoable }) => isUndoable)) {
    violations.push(`E4: ${ref.runId} failed and undid nothing`);
  }
  if (state.failure?.code === "redis_unavailable" && state.failure.name !== "AppError") {
    violations.push(`E5: ${ref.runId} ended by a failure of the infrastructure`);
  }
  if (state.status === "completed") violations.push(...checkOutput(ref, state, effects));
  return violations;
}

/** The chain of results that the run returned is that of its own steps, each once. */
function checkOutput(ref: RunRef, state: RunState, effects: readonly Effect[]): string[] {
  const numbers = [...String(state.output).matchAll(/=(\d+)/g)].map(([, number]) => Number(number));
  const foreign = numbers.filter((number) => effects[number] === undefined);
  const violations = foreign.map((number) => `E1: the output of ${ref.runId} has ${number}, which never happened`);
  if (new Set(numbers).size < numbers.length) violations.push(`E1: the output of ${ref.runId} has a result twice`);
  const missing = state.settled.filter(
    ({ outcome }) => outcome.kind === "done" && typeof outcome.value === "number" && !numbers.includes(outcome.value),
  );
  // A step beside one that failed may be done although the code went on without it.
  if (missing.length > 0 && state.settled.every(({ outcome }) => outcome.kind === "done")) {
    violations.push(`E1: the output of ${ref.runId} lacks ${missing.map(({ step }) => step).join(", ")}`);
  }
  return violations;
}
