/**
 * Which outcomes a fork takes over from its source.
 *
 * A person's yes is for one step, once. So a fork that would do that step again does not take the yes over: it ends before it, and asks anew. Where something was done
 * behind such a yes the fork would do that again, too, though it was asked to take it over; then it is refused.
 */
import type { WordOn } from "./run-definition.ts";
import type { SettledStep } from "./run-state.ts";

export type TakenOver =
  | { readonly kind: "taken"; readonly steps: readonly SettledStep[] }
  | { readonly kind: "refused"; readonly reason: string };

/** @param count steps of the source that are asked for. */
export function takeOver(settled: readonly SettledStep[], count: number, wordOn: WordOn | undefined): TakenOver {
  if (count > settled.length) {
    return { kind: "refused", reason: `The run has ${settled.length} steps to take over, not ${count}.` };
  }
  const steps = settled.slice(0, count);
  const names = new Set(steps.map(({ step }) => step));
  const words = steps.map(({ step, outcome }) => (outcome.kind === "done" ? wordOn?.(step, outcome.value) : undefined));
  const unused = words.findIndex((word) => word !== undefined && word.isYes && !names.has(word.step));
  if (unused < 0) return { kind: "taken", steps };
  const before = takeOver(settled, unused, wordOn);
  if (before.kind === "refused" || words.slice(unused).every((word) => word !== undefined)) return before;
  const { step } = words[unused]!;
  const reason = `A person has agreed to "${step}" once, and the fork would do it again: take over ${before.steps.length} steps or fewer, or "${step}" as well.`;
  return { kind: "refused", reason };
}
