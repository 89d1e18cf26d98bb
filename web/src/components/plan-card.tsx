import type { UIMessage } from "ai";
import { statusOf, type PlanStep, type StepStatus } from "../plan.ts";

const WORDS: Record<StepStatus, string> = {
  waiting: "Waiting",
  running: "Running",
  asking: "Needs your word",
  done: "Done",
  failed: "Not done",
};

/** What an agent is about to do, and how far it is. */
export function PlanCard({ steps, message }: { steps: PlanStep[]; message: UIMessage }) {
  return (
    <ol className="plan" aria-label="Plan">
      {steps.map((step) => {
        const status = statusOf(step, message);
        return (
          <li key={step.id} data-status={status}>
            <span className="plan-tool">{step.tool}</span>
            <span className="plan-why">{step.why}</span>
            <span className="plan-status">{WORDS[status]}</span>
          </li>
        );
      })}
    </ol>
  );
}
