/** A call as a plan asks for it: whether it may be made, with everything that it refers to in its place. */
import type { PhaseRun, StepResult } from "./phase.ts";
import type { PlannedStep } from "./plan.ts";
import { resolveReferences } from "./references.ts";

/** A call that may be made, or why it may not. */
export type CheckedCall =
  | { readonly parameters: unknown }
  | { readonly parameters: unknown; readonly problem: string; readonly status: "failed" | "denied" };

/** The call of a step, with the results that it refers to. */
export function checkedCall(run: PhaseRun, step: PlannedStep, results: ReadonlyMap<string, StepResult>): CheckedCall {
  const resolved = resolveReferences(step.parameters, (id) => {
    const result = results.get(id);
    return result?.status === "done" ? { output: result.output } : undefined;
  });
  if (resolved.kind === "dangling") {
    return { parameters: step.parameters, problem: resolved.problem, status: "failed" };
  }
  return judgedCall(run, step, resolved.value);
}

/** The call of a step with parameters that are whole. */
export function judgedCall({ tools }: PhaseRun, step: PlannedStep, parameters: unknown): CheckedCall {
  const problem = tools.problemOf({ name: step.tool, parameters }, { isComplete: true });
  return problem === undefined ? { parameters } : { parameters, problem, status: "failed" };
}
