import type { WordOn } from "../../engine/run-definition.ts";
import { approvedStepOf } from "./approval-id.ts";
import { ApprovalAnswer } from "./approval.ts";
import { stepNameOf } from "./execution.ts";

/** What an approval says to the engine: on which step, and whether it was a yes. One that expired or cannot be read is a no. */
export const approvalOn: WordOn = (name, value) => {
  const stepId = approvedStepOf(name);
  if (stepId === undefined) return undefined;
  const { payload } = (value ?? {}) as { readonly payload?: unknown };
  const answer = ApprovalAnswer.safeParse(payload);
  return { step: stepNameOf(stepId), isYes: answer.success && answer.data.approved };
};
