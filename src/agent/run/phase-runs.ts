/** Each phase by itself, as a run: for callers who plan in one place and act in another. */
import * as z from "zod/mini";
import { RunFailed } from "../../engine/failures.ts";
import { defineRun } from "../../engine/run-definition.ts";
import { StoredAgent } from "./agent.ts";
import { approvalOn } from "./approval-word.ts";
import { failedSteps, type FailedStep } from "./agent-output.ts";
import { Goal, phaseRun, type AgentContext } from "./agent-run.ts";
import { executePlan } from "./execution.ts";
import { ofAgent } from "./of-agent.ts";
import type { StepResult } from "./phase.ts";
import { checkPlan, planStepsMax, type Plan } from "./plan.ts";
import { makePlan, problemOfStep } from "./planning.ts";
import { reflect, type Reflection } from "./reflection.ts";
import { shorten } from "./shorten.ts";
import type { AccountReading, LimitName } from "./spending-account.ts";

const Result = z.object({
  id: z.string(),
  tool: z.string(),
  status: z.enum(["done", "failed", "denied", "skipped"]),
  output: z.optional(z.unknown()),
  errorText: z.optional(z.string()),
});

const PlanningInput = z.object({ agent: StoredAgent, goal: Goal });

export interface PlanningOutput {
  readonly plan: Plan;
  readonly spent: AccountReading;
}

export const agentPlanning = defineRun({
  ...ofAgent,
  name: "agent-planning",
  version: 1,
  input: PlanningInput,
  async run(ctx: AgentContext, input): Promise<PlanningOutput> {
    const run = phaseRun(ctx, input);
    const plan = await makePlan(run);
    return { plan, spent: run.account.read() };
  },
});

export const ExecutionInput = z.object({ agent: StoredAgent, goal: Goal, plan: z.record(z.string(), z.unknown()) });

export interface ExecutionOutput {
  readonly results: readonly StepResult[];
  readonly failed: readonly FailedStep[];
  readonly limit?: LimitName;
}

export const agentExecution = defineRun({
  ...ofAgent,
  /** It asks no model. */
  needs: { ...ofAgent.needs, tokens: false },
  name: "agent-execution",
  version: 1,
  input: ExecutionInput,
  wordOn: approvalOn,
  /** @throws RunFailed with what is wrong with the plan. */
  async run(ctx: AgentContext, input): Promise<ExecutionOutput> {
    const run = phaseRun(ctx, input);
    const checked = checkPlan(JSON.stringify(input.plan), {
      takenIds: [],
      doneIds: [],
      problemOf: (step) => problemOfStep(run, step, []),
    });
    if (checked.kind === "wrong") {
      throw new RunFailed(`The plan cannot be carried out: ${checked.problems.join(" ")}`, { code: "no_plan" });
    }
    const { results, limit } = await executePlan(run, checked.plan, []);
    const bounded = results.map((result) =>
      result.status === "done" ? { ...result, output: shorten(result.output, resultCharsMax) } : result,
    );
    return { results: bounded, failed: failedSteps(results), ...(limit === undefined ? {} : { limit }) };
  },
});

const resultCharsMax = 8_000;

export const ReflectionInput = z.object({
  agent: StoredAgent,
  goal: Goal,
  plan: z.object({ steps: z.array(z.record(z.string(), z.unknown())).check(z.maxLength(planStepsMax)) }),
  results: z.array(Result).check(z.maxLength(planStepsMax)),
});

export const agentReflection = defineRun({
  ...ofAgent,
  name: "agent-reflection",
  version: 1,
  input: ReflectionInput,
  async run(ctx: AgentContext, input): Promise<Reflection & { readonly spent: AccountReading }> {
    const run = phaseRun(ctx, input);
    const results = input.results.map(resultOf);
    const reflection = await reflect(run, { plan: input.plan as unknown as Plan, results }, undefined);
    return { ...reflection, spent: run.account.read() };
  },
});

function resultOf({ id, tool, status, output, errorText = "" }: z.infer<typeof Result>): StepResult {
  return status === "done" ? { id, tool, status, output: output ?? null } : { id, tool, status, errorText };
}
