/** A step as the logs show it; field names are Upstash's. Source: protocol document, C.9. */
import type { HeaderLists, Redaction } from "../qstash/message.ts";
import { redacted, redactHeader } from "../qstash/redaction.ts";
import type { FailedAttempt, OpenStep, Step, StepHead, Work } from "./run.ts";
import { isProtocolHeader } from "./run-messages.ts";
import { parseStepBody } from "./step-body.ts";

type Json = Record<string, unknown>;

/** `failures` are those of the deliveries that were to bring the step. */
export function viewStep(
  step: Step,
  o: { state: string; failures?: readonly FailedAttempt[] | undefined; redaction: Redaction | undefined },
): Json {
  const isFirst = step.index === 0;
  const { out, sleepFor, sleepUntil, waitTimeout } = isFirst
    ? { out: step.body.toString("utf8") }
    : (parseStepBody(step.body) as Json);
  const details = step.work === undefined ? {} : viewWork(step.work, o.redaction);
  return {
    ...viewHead(step.head),
    callType: "step",
    messageId: step.messageId,
    ...(out !== undefined && { out: shown(out, o.redaction) }),
    retries: step.maxRetries,
    ...(step.retryDelayExpression !== undefined && { retryDelay: step.retryDelayExpression }),
    state: o.state,
    createdAt: step.createdAtMs,
    headers: viewHeader(step.header, o.redaction),
    ...(sleepFor !== undefined && { sleepFor }),
    ...(sleepUntil !== undefined && { sleepUntil }),
    ...details,
    ...(step.work?.kind === "call" && viewCallResponse(out, o.redaction)),
    ...(step.work?.kind === "wait" && { waitTimeout: waitTimeout === true }),
    ...viewFailures([...(o.failures ?? []), ...(step.workFailures ?? [])]),
  };
}

export function viewOpenStep(open: OpenStep, redaction: Redaction | undefined): Json {
  const { work } = open;
  const isCall = work.kind === "call";
  return {
    ...viewHead(open.head),
    callType: isCall ? (work.isReturning ? "fromCallback" : "toCallback") : "step",
    ...(isCall && { messageId: work.messageId, retries: work.maxRetries }),
    ...(open.out !== undefined && { out: shown(open.out, redaction) }),
    state: open.state,
    createdAt: open.createdAtMs,
    ...viewWork(work, redaction),
    ...viewFailures(open.failures),
  };
}

export function viewFailures(failures: readonly FailedAttempt[] | undefined): Json {
  if (failures === undefined || failures.length === 0) return {};
  return {
    errors: failures.map(({ error, body, header, status, timeMs }) => ({
      error,
      body,
      headers: header,
      status,
      time: timeMs,
    })),
  };
}

/** A plan is shown as the step that it announces. The first step has no number. */
function viewHead({ stepId, stepName, stepType, concurrent, targetStep }: StepHead): Json {
  const shownId = targetStep ?? stepId;
  return { ...(shownId > 0 && { stepId: shownId }), stepName, stepType, concurrent };
}

function viewWork(work: Work, redaction: Redaction | undefined): Json {
  switch (work.kind) {
    case "call":
      return {
        callUrl: work.url,
        callMethod: work.method,
        callHeaders: viewHeader(work.header, redaction),
        callBody: shown(work.body.toString("utf8"), redaction),
      };
    case "wait":
      return {
        waitEventId: work.eventId,
        waitTimeoutDuration: work.timeout,
        waitTimeoutDeadline: work.deadlineMs,
      };
    default:
      return {
        invokedWorkflowRunId: work.childId,
        invokedWorkflowUrl: work.childUrl,
        invokedWorkflowCreatedAt: work.childCreatedAtMs,
        invokedWorkflowRunBody: shown(work.body.toString("utf8"), redaction),
        invokedWorkflowRunHeaders: viewHeader(work.header, redaction),
      };
  }
}

function viewCallResponse(out: unknown, redaction: Redaction | undefined): Json {
  const { status, body, header } = parseStepBody(Buffer.from(typeof out === "string" ? out : "{}"));
  return {
    callResponseStatus: status,
    callResponseBody: typeof body === "string" ? shown(body, redaction) : body,
    callResponseHeaders: header,
  };
}

function viewHeader(header: HeaderLists, redaction: Redaction | undefined): HeaderLists {
  const own = Object.entries(header).filter(([name]) => !isProtocolHeader(name));
  return redactHeader(Object.fromEntries(own), redaction);
}

/** What is hidden of a message is hidden of what came of it. */
function shown(text: unknown, redaction: Redaction | undefined): unknown {
  return redaction?.isBodyHidden ? redacted(typeof text === "string" ? text : JSON.stringify(text)) : text;
}
