/**
 * A person's word before a tool acts: asked for with an event, given with a signal of the run, for as long as it takes.
 *
 * The signal is `approval:<step id>` with `{"approved": true}`, `{"approved": true, "parameters": {…}}` to change what will be done, or `{"approved": false, "reason": "…"}`.
 */
import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import { judgedCall, type CheckedCall } from "./checked-call.ts";
import type { PhaseRun } from "./phase.ts";
import type { PlannedStep } from "./plan.ts";
import { approvalSignal } from "./approval-id.ts";
import { shorten } from "./shorten.ts";

export const ApprovalAnswer = z.object({
  approved: z.boolean(),
  reason: z.optional(z.string().check(z.maxLength(limits.approvalReasonCharsMax))),
  parameters: z.optional(z.record(z.string(), z.unknown())),
});

/** Asks where the call needs a person's word, and says whether it does. */
export function askFor(run: PhaseRun, step: PlannedStep, call: CheckedCall): boolean {
  if ("problem" in call) return false;
  if (!run.tools.needsApproval({ name: step.tool, parameters: call.parameters })) return false;
  run.ctx.emit("approval-requested", {
    stepId: step.id,
    tool: step.tool,
    parameters: shorten(call.parameters, limits.eventPartCharsMax),
    why: step.why,
    signal: approvalSignal(step.id),
    expiresAt: run.ctx.now() + limits.approvalMsMax,
  });
  return true;
}

/** Waits for the word that was asked for: the call as it may be made, or why it may not. */
export async function awaitApproval(
  run: PhaseRun,
  step: PlannedStep,
  call: { readonly parameters: unknown },
): Promise<CheckedCall> {
  const outcome = await run.ctx.waitForSignal(approvalSignal(step.id), { timeout: limits.approvalMsMax });
  const answered = outcome.kind === "timed-out" ? denied(call, expiredText) : judge(run, step, call, outcome.payload);
  run.ctx.emit("approval-answered", {
    stepId: step.id,
    approved: !("problem" in answered),
    ...("problem" in answered
      ? { reason: answered.problem }
      : { parameters: shorten(answered.parameters, limits.eventPartCharsMax) }),
  });
  return answered;
}

function denialText(reason: string | undefined): string {
  return reason === undefined ? "The user denied it." : `The user denied it: ${reason}`;
}

const expiredText = "Nobody approved it in time.";

function denied({ parameters }: { readonly parameters: unknown }, problem: string): CheckedCall {
  return { parameters, problem, status: "denied" };
}

function judge(
  run: PhaseRun,
  step: PlannedStep,
  call: { readonly parameters: unknown },
  payload: unknown,
): CheckedCall {
  const answer = ApprovalAnswer.safeParse(payload);
  // What cannot be read is no "yes".
  if (!answer.success) return denied(call, "The approval could not be read, which counts as a no.");
  const { approved, reason, parameters } = answer.data;
  if (!approved) return denied(call, denialText(reason));
  return parameters === undefined ? call : judgedCall(run, step, parameters);
}
