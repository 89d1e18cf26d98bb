/** A run as the logs show it: its steps in groups, and what is on its way. Source: protocol document, C.9. */
import type { Message, Redaction } from "../qstash/message.ts";
import { readRedaction, redacted } from "../qstash/redaction.ts";
import { listOf } from "../qstash/publish-options.ts";
import type { FailureCall, OpenStep, Run, Step } from "./run.ts";
import type { RunMessages } from "./run-messages.ts";
import type { RunStore } from "./run-store.ts";
import { viewFailures, viewOpenStep, viewStep } from "./step-log.ts";

type Json = Record<string, unknown>;

export interface StepGroup {
  type: "sequential" | "parallel" | "next";
  steps: Json[];
}

export interface RunLog {
  view(run: Run): Json;
  groupsOf(run: Run): StepGroup[];
}

export function createRunLog(o: { store: RunStore; messages: RunMessages; now: () => number }): RunLog {
  function groupsOf(run: Run): StepGroup[] {
    return groupSteps({
      run,
      steps: distinct(o.store.steps.of(run.key)),
      open: o.store.openSteps.of(run.key),
      pending: new Map(o.messages.pendingOf(run.key).map((message) => [message.messageId, message])),
      endMs: run.ending?.atMs ?? o.now(),
    });
  }

  return { view: (run) => viewRun(run, groupsOf(run)), groupsOf };
}

export function labelsOf(run: Run): string[] {
  return listOf(run.options["upstash-label"]);
}

function redactionOf(run: Run): Redaction | undefined {
  return readRedaction(listOf(run.options["upstash-redact-fields"]));
}

function viewRun(run: Run, steps: StepGroup[]): Json {
  const labels = labelsOf(run);
  const { invoker, ending, failureCall } = run;
  const response = ending?.response;
  const isHidden = redactionOf(run)?.isBodyHidden === true;
  return {
    workflowRunId: run.runId,
    workflowUrl: run.url,
    workflowState: run.state,
    workflowRunCreatedAt: run.createdAtMs,
    ...(ending !== undefined && { workflowRunCompletedAt: ending.atMs }),
    steps,
    ...(response !== undefined && { workflowRunResponse: isHidden ? redacted(response) : response }),
    ...(failureCall !== undefined && { failureFunction: viewFailureCall(failureCall, ending?.dlqId) }),
    ...(invoker !== undefined && {
      invoker: {
        workflowRunId: invoker.runId,
        workflowUrl: invoker.runUrl,
        workflowRunCreatedAt: invoker.runCreatedAtMs,
      },
    }),
    ...(ending?.dlqId !== undefined && { dlqId: ending.dlqId }),
    ...(labels.length > 0 && { label: labels[0], labels }),
  };
}

function viewFailureCall(call: FailureCall, dlqId: string | undefined): Json {
  return {
    messageId: call.messageId,
    url: call.url,
    state: call.state,
    failHeaders: call.told.header,
    failStatus: call.told.status,
    failResponse: call.told.body.toString("utf8"),
    dlqId,
    ...viewFailures(call.failures),
    ...(call.response !== undefined && {
      responseStatus: call.response.status,
      responseHeaders: call.response.header,
      responseBody: call.response.body.toString("utf8"),
    }),
  };
}

interface RunHistory {
  run: Run;
  steps: readonly Step[];
  open: readonly OpenStep[];
  /** The messages that have not ended, by id. */
  pending: ReadonlyMap<string, Message>;
  /** The end of the run, or now. */
  endMs: number;
}

function groupSteps(history: RunHistory): StepGroup[] {
  const { run, steps, open } = history;
  const redaction = redactionOf(run);
  const groups: StepGroup[] = [];
  for (const [place, step] of steps.entries()) {
    const before = steps[place - 1];
    if (step.head.targetStep !== undefined) {
      // One group for each line of plans; what is known of their steps stands in their places.
      if (before?.head.targetStep === undefined) groups.push({ type: "parallel", steps: [] });
      groups.at(-1)?.steps.push(viewPlanned(step, history, redaction));
    } else if (step.head.concurrent === 1) {
      const state = isAsleep(step, history) ? deliveryState(step.messageId, history) : undefined;
      // A step came of the delivery of the one before, and so did the failures on the way to it.
      const view = viewStep(step, { state: state ?? "STEP_SUCCESS", failures: before?.failures, redaction });
      groups.push({ type: "sequential", steps: [view] });
    }
  }
  const alone = open.filter(({ head }) => head.concurrent === 1);
  groups.push(...alone.map((step) => ({ type: "sequential" as const, steps: [viewOpenStep(step, redaction)] })));
  const next = viewNext(history);
  return next === undefined ? groups : [...groups, { type: "next", steps: [next] }];
}

function viewPlanned(plan: Step, history: RunHistory, redaction: Redaction | undefined): Json {
  const isIts = ({ head }: { head: Step["head"] }) => head.stepId === plan.head.targetStep;
  const result = history.steps.find(isIts);
  if (result !== undefined) return viewStep(result, { state: "STEP_SUCCESS", failures: plan.failures, redaction });
  const open = history.open.find(isIts);
  if (open !== undefined) return viewOpenStep(open, redaction);
  const state = deliveryState(plan.messageId, history) ?? "STEP_PROGRESS";
  return viewStep(plan, { state, failures: plan.failures, redaction });
}

/** The message on its way, or the one that ended the run; nothing while steps side by side are not done. */
function viewNext(history: RunHistory): Json | undefined {
  const last = history.steps.at(-1);
  const state = last && deliveryState(last.messageId, history);
  if (last === undefined || state === undefined || isAsleep(last, history) || !isGroupDone(last, history)) {
    return undefined;
  }
  const stepName = last.failures?.at(-1)?.header["Upstash-Error-Step-Name"]?.[0];
  return {
    messageId: last.messageId,
    ...(stepName !== undefined && { stepName }),
    state,
    retries: last.maxRetries,
    ...(last.retryDelayExpression !== undefined && { retryDelay: last.retryDelayExpression }),
    ...viewFailures(last.failures),
  };
}

/** Undefined for what was delivered. */
function deliveryState(messageId: string, { run, pending }: RunHistory): string | undefined {
  if (run.ending !== undefined) return run.ending.unfinished[messageId];
  const message = pending.get(messageId);
  if (message === undefined) return undefined;
  return message.retried > 0 ? "STEP_RETRY" : "STEP_PROGRESS";
}

/** A run that starts later sleeps before its first step, not in it. */
function isAsleep(step: Step, { endMs }: RunHistory): boolean {
  return step.index > 0 && step.notBeforeMs > endMs;
}

function isGroupDone({ head }: Step, { steps }: RunHistory): boolean {
  if (head.targetStep !== undefined) return false;
  if (head.concurrent === 1) return true;
  const done = new Set(steps.map((step) => step.head.stepId));
  return steps.every((step) => step.head.targetStep === undefined || done.has(step.head.targetStep));
}

/** A delivery that is repeated may submit its step twice; the SDK goes by the first. */
function distinct(steps: readonly Step[]): Step[] {
  const seen = new Set<string>();
  return steps.filter(({ head }) => {
    const name = `${head.stepId}/${head.targetStep ?? ""}`;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}
