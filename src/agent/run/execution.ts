/** The second phase: the plan's steps, those that are ready at the same time, each a durable step. */
import { limits } from "../../core/limits.ts";
import { StepFailed } from "../../engine/failures.ts";
import type { AgentToolOutcome } from "./agent-services.ts";
import { askFor, awaitApproval } from "./approval.ts";
import { checkedCall, type CheckedCall } from "./checked-call.ts";
import type { PhaseRun, StepResult } from "./phase.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import { shorten } from "./shorten.ts";
import { limitWords, type LimitName } from "./spending-account.ts";

export interface ExecutionEnd {
  /** Of this plan, in the order of the plan. */
  readonly results: readonly StepResult[];
  /** The limit at which it stopped, if it did. */
  readonly limit: LimitName | undefined;
}

/** @param earlier results that the plan may refer to. */
export async function executePlan(run: PhaseRun, plan: Plan, earlier: readonly StepResult[]): Promise<ExecutionEnd> {
  const results = new Map<string, StepResult>(earlier.map((result) => [result.id, result]));
  let waiting = [...plan.steps];
  let limit: LimitName | undefined;
  while (waiting.length > 0) {
    limit = run.account.reached(run.ctx.now());
    const ready = waiting.filter(({ dependsOn }) => dependsOn.every((id) => isDone(results, id)));
    if (limit !== undefined || ready.length === 0) break;
    const wave = ready.slice(0, limits.agentStepsAtOnceMax);
    for (const result of await executeWave(run, wave, results)) results.set(result.id, result);
    waiting = waiting.filter((step) => !results.has(step.id));
  }
  for (const step of waiting) results.set(step.id, skipped(step, results, limit));
  return { limit, results: plan.steps.map(({ id }) => results.get(id)!) };
}

/** Calls that a model makes outside of a plan; all at the same time. */
export function executeCalls(run: PhaseRun, calls: readonly PlannedStep[]): Promise<StepResult[]> {
  return executeWave(run, calls, new Map());
}

/**
 * Approvals are asked for all at once and waited for one by one; then everything that may run does so at the same time. Whoever watches is told of each call when it is
 * asked for or made.
 */
async function executeWave(
  run: PhaseRun,
  wave: readonly PlannedStep[],
  results: ReadonlyMap<string, StepResult>,
): Promise<StepResult[]> {
  const calls = wave.map((step) => ({ step, checked: checkedCall(run, step, results) }));
  const asked = new Set(calls.filter(({ step, checked }) => askFor(run, step, checked)));
  const decided: { step: PlannedStep; call: CheckedCall }[] = [];
  for (const call of calls) {
    const { step, checked } = call;
    if (!asked.has(call)) tellCall(run, step, checked);
    const isAsked = asked.has(call) && !("problem" in checked);
    decided.push({ step, call: isAsked ? await awaitApproval(run, step, checked) : checked });
  }
  return run.ctx.all(decided.map(({ step, call }) => runStep(run, step, call)));
}

function tellCall({ ctx }: PhaseRun, step: PlannedStep, call: CheckedCall): void {
  const parameters = shorten(call.parameters, limits.eventPartCharsMax);
  const told = { stepId: step.id, tool: step.tool, why: step.why, parameters };
  if ("problem" in call) ctx.emit("tool-refused", { ...told, errorText: call.problem });
  else ctx.emit("tool-called", told);
}

/** Of a step's result: prompts and outputs hold them beside what came of the call. */
const parametersCharsMax = limits.agentResultCharsMax / 2;

/** Of the engine's step that does a step of a plan. */
export function stepNameOf(stepId: string): string {
  return `do ${stepId}`;
}

async function runStep(run: PhaseRun, step: PlannedStep, call: CheckedCall): Promise<StepResult> {
  const { ctx, actor, account, tools } = run;
  const named = { id: step.id, tool: step.tool, parameters: shorten(call.parameters, parametersCharsMax) };
  if ("problem" in call) return { ...named, status: call.status, errorText: call.problem };
  const asked = { name: step.tool, parameters: call.parameters };
  const undo = tools.undoOf(step.tool);
  account.addStep();
  try {
    const outcome = await ctx.step<AgentToolOutcome>(
      stepNameOf(step.id),
      (context) => tools.run(asked, actor, context),
      {
        effect: tools.isReading(step.tool) ? "read" : "write",
        retries: tools.retriesOf(step.tool),
        timeout: limits.toolStepMsMax,
        ...(undo === undefined
          ? {}
          : {
              compensate: async (done, context) => {
                if (done.kind === "ok") await undo({ ...asked, output: done.output }, actor, context);
              },
            }),
      },
    );
    if (outcome.kind === "ok") return { ...named, status: "done", output: outcome.output };
    return { ...named, status: "failed", errorText: outcome.errorText };
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return { ...named, status: "failed", errorText: error.failure.message };
  }
}

function isDone(results: ReadonlyMap<string, StepResult>, id: string): boolean {
  return results.get(id)?.status === "done";
}

function skipped(
  step: PlannedStep,
  results: ReadonlyMap<string, StepResult>,
  limit: LimitName | undefined,
): StepResult {
  const missing = step.dependsOn.filter((id) => !isDone(results, id));
  const errorText =
    limit === undefined
      ? `It depends on ${missing.join(", ")}, which was not done.`
      : `The limit in ${limitWords(limit)} was reached.`;
  return { id: step.id, tool: step.tool, status: "skipped", errorText };
}
