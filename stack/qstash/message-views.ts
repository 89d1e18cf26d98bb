/** The JSON shapes in which the API shows the records of message.ts; field names are QStash's. */
import { isUtf8 } from "node:buffer";
import type { DeadLetter, FlowControl, Message, MessageEvent, Outcome, Redaction } from "./message.ts";
import { redacted, redactHeader } from "./redaction.ts";

type Json = Record<string, unknown>;

export function viewMessage(message: Message): Json {
  return {
    messageId: message.messageId,
    ...viewTarget(message),
    ...viewRequestBody(message.body, message.redaction),
    createdAt: message.createdAtMs,
    callerIP: message.callerIp,
    notBefore: message.notBeforeMs,
    ...viewLimits(message.flowControl),
  };
}

export function viewDeadLetter(letter: DeadLetter): Json {
  return {
    dlqId: letter.dlqId,
    ...viewMessage(letter.message),
    ...viewOutcome(letter.outcome),
  };
}

export function viewOutcome(outcome: Outcome): Json {
  return {
    responseStatus: outcome.status,
    responseHeader: outcome.header,
    ...viewBody("responseBody", outcome.body),
  };
}

export function viewEvent(event: MessageEvent): Json {
  const { message, outcome } = event;
  return {
    time: event.timeMs,
    messageId: message.messageId,
    state: event.state,
    ...viewTarget(message),
    body: message.redaction?.isBodyHidden ? redacted(message.body) : message.body.toString("base64"),
    timeout: message.timeoutMs,
    ...(event.nextDeliveryMs !== undefined && { nextDeliveryTime: event.nextDeliveryMs }),
    ...(outcome !== undefined && {
      responseStatus: outcome.status,
      responseHeaders: outcome.header,
      responseBody: outcome.body.toString("utf8"),
    }),
    ...(event.state === "ERROR" && { error: outcome?.error ?? `status ${outcome?.status}` }),
  };
}

export function viewLimits(limits: FlowControl | undefined): Json {
  return limits === undefined
    ? {}
    : { parallelism: limits.parallelism, rate: limits.rate, period: limits.periodSeconds };
}

function viewTarget(message: Message): Json {
  return {
    url: message.url,
    method: message.method,
    header: redactHeader(message.header, message.redaction),
    maxRetries: message.maxRetries,
    ...(message.retryDelayExpression !== undefined && {
      retryDelayExpression: message.retryDelayExpression,
    }),
    ...(message.callback !== undefined && { callback: message.callback.url }),
    ...(message.failureCallback !== undefined && { failureCallback: message.failureCallback.url }),
    ...(message.labels.length > 0 && { label: message.labels[0], labels: message.labels }),
    ...(message.flowControl !== undefined && { flowControlKey: message.flowControl.key }),
    ...(message.topicName !== undefined && { topicName: message.topicName }),
    ...(message.endpointName !== undefined && { endpointName: message.endpointName }),
    ...(message.queueName !== undefined && { queueName: message.queueName }),
    ...(message.scheduleId !== undefined && { scheduleId: message.scheduleId }),
    ...(message.run !== undefined && {
      workflowRunId: message.run.runId,
      workflowUrl: message.run.runUrl,
      workflowCreatedAt: message.run.runCreatedAtMs,
    }),
  };
}

export function viewRequestBody(body: Buffer, redaction: Redaction | undefined): Json {
  return redaction?.isBodyHidden ? { body: redacted(body) } : viewBody("body", body);
}

/** `body` when the bytes are text, else `bodyBase64`; nothing when there are none. */
function viewBody(name: "body" | "responseBody", bytes: Buffer): Json {
  if (bytes.length === 0) return {};
  return isUtf8(bytes) ? { [name]: bytes.toString("utf8") } : { [`${name}Base64`]: bytes.toString("base64") };
}
