/** Names an approval to clients, who answer it by this id alone: `<run id>.<step id>`. */
export function approvalId(runId: string, stepId: string): string {
  return `${runId}.${stepId}`;
}

/** Which run asked, and for which step; `undefined` for anything else. */
export function parseApprovalId(text: string): { readonly runId: string; readonly stepId: string } | undefined {
  const match = /^(run_[0-9a-f]{32})\.([A-Za-z0-9_-]{1,40})$/.exec(text);
  return match === null ? undefined : { runId: match[1]!, stepId: match[2]! };
}

/** The signal that answers it. */
export function approvalSignal(stepId: string): string {
  return `${signalPrefix}${stepId}`;
}

/** The step of the plan that such a signal is about; `undefined` for another name. */
export function approvedStepOf(signal: string): string | undefined {
  return signal.startsWith(signalPrefix) ? signal.slice(signalPrefix.length) : undefined;
}

const signalPrefix = "approval:";
