/** The JSON in which the SDK submits steps. Source: protocol document, C.3. */
import { ApiError } from "../qstash/api-error.ts";
import { readJsonObject } from "../qstash/route.ts";
import type { StepHead } from "./run.ts";

const stepTypes = new Set([
  "Initial",
  "Run",
  "SleepFor",
  "SleepUntil",
  "Call",
  "Wait",
  "Notify",
  "Invoke",
  "CreateWebhook",
  "WaitForWebhook",
]);

export const firstHead: StepHead = { stepId: 0, stepName: "init", stepType: "Initial", concurrent: 1 };

/** @throws ApiError 400 for what the SDK could not read back when it is delivered. */
export function readStepHead(step: unknown): StepHead {
  if (step === null || typeof step !== "object") throw new ApiError(400, "invalid step: it is no object");
  const { stepId, stepName, stepType, concurrent = 1, targetStep } = step as Record<string, unknown>;
  const isPlan = targetStep !== undefined && targetStep !== 0;
  if (!isCount(stepId) || (stepId === 0) !== isPlan) throw new ApiError(400, "invalid step: stepId");
  if (typeof stepName !== "string" || stepName === "") throw new ApiError(400, "invalid step: stepName");
  if (typeof stepType !== "string" || !stepTypes.has(stepType)) throw new ApiError(400, "invalid step: stepType");
  if (!isCount(concurrent) || concurrent === 0) throw new ApiError(400, "invalid step: concurrent");
  if (isPlan && !isCount(targetStep)) throw new ApiError(400, "invalid step: targetStep");
  return { stepId, stepName, stepType, concurrent, ...(isPlan && { targetStep }) };
}

/** @throws ApiError 400 */
export function readSubmittedHead(body: Buffer): StepHead {
  return readStepHead(readJsonObject(body));
}

/** The parts of a step that the log shows; what cannot be read is not there. */
export function parseStepBody(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
