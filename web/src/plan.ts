import { isToolUIPart, type UIMessage } from "ai";

export interface PlanStep {
  id: string;
  tool: string;
  why: string;
}

export interface Plan {
  /** The answer that it belongs to. */
  messageId: string;
  steps: PlanStep[];
}

export type StepStatus = "waiting" | "running" | "asking" | "done" | "failed";

/** `undefined` for what is no plan. */
export function planIn(data: unknown): PlanStep[] | undefined {
  const steps = (data as { steps?: unknown } | null)?.steps;
  return Array.isArray(steps) ? (steps as PlanStep[]) : undefined;
}

/** How far a step is: its call is a part of the answer as soon as it begins. */
export function statusOf({ id }: PlanStep, { parts }: UIMessage): StepStatus {
  const part = parts.filter(isToolUIPart).find(({ toolCallId }) => toolCallId === id);
  switch (part?.state) {
    case undefined:
      return "waiting";
    case "approval-requested":
      return "asking";
    case "output-available":
      return "done";
    case "output-error":
    case "output-denied":
      return "failed";
    default:
      return "running";
  }
}
