/** What comes of an agent's run. Everything in it is bounded: the whole results stand in the journal. */
import type { JsonValue } from "../../core/json.ts";
import { limits } from "../../core/limits.ts";
import type { StepResult } from "./phase.ts";
import type { PlannedStep } from "./plan.ts";
import { shorten } from "./shorten.ts";
import type { AccountReading, LimitName } from "./spending-account.ts";

export interface AgentRunOutput {
  /** For the user. */
  readonly summary: string;
  /** What was planned; `results` tell what was done. */
  readonly plan: { readonly steps: readonly OutputStep[] };
  /** In the order of the plan; long ones are shortened. */
  readonly results: readonly StepResult[];
  readonly failed: readonly FailedStep[];
  /** Keys of what the run learned about its user. */
  readonly remembered: readonly string[];
  /** The limit at which the run stopped. */
  readonly limit?: LimitName;
  readonly spent: AccountReading;
}

export interface OutputStep extends Omit<PlannedStep, "parameters"> {
  readonly parameters: JsonValue;
}

export interface FailedStep {
  readonly id: string;
  readonly errorText: string;
}

export function agentRunOutput(o: {
  readonly summary: string;
  readonly steps: readonly PlannedStep[];
  readonly results: readonly StepResult[];
  readonly remembered: readonly string[];
  readonly limit?: LimitName | undefined;
  readonly spent: AccountReading;
}): AgentRunOutput {
  const charsMax = Math.min(
    limits.agentResultCharsMax,
    Math.floor(limits.agentResultsCharsMax / Math.max(1, o.results.length)),
  );
  return {
    summary: o.summary,
    plan: {
      steps: o.steps.map((step) => ({ ...step, parameters: shorten(step.parameters, charsMax / 2) })),
    },
    results: o.results.map((result) => shortResult(result, charsMax)),
    failed: failedSteps(o.results),
    remembered: o.remembered,
    ...(o.limit === undefined ? {} : { limit: o.limit }),
    spent: o.spent,
  };
}

function shortResult(result: StepResult, charsMax: number): StepResult {
  const { parameters } = result;
  const short = parameters === undefined ? {} : { parameters: shorten(parameters, charsMax / 2) };
  return result.status === "done"
    ? { ...result, ...short, output: shorten(result.output, charsMax) }
    : { ...result, ...short };
}

export function failedSteps(results: readonly StepResult[]): FailedStep[] {
  return results.flatMap((result) =>
    result.status === "done" ? [] : [{ id: result.id, errorText: result.errorText }],
  );
}
