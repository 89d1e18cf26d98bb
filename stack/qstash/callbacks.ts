/** What is told to the callback URLs of a message that has ended. Source: protocol document, B.5. */
import type { CallbackTarget, Message, Outcome } from "./message.ts";
import type { Publish } from "./publish.ts";

/** A message that ended, by a success or by its last failure. */
export interface Ending {
  message: Message;
  outcome: Outcome;
  isFailed: boolean;
  /** The dead letter that it left. */
  dlqId?: string;
}

/** Returns the ids of the callback messages, none when there is nothing to tell. */
export type SendCallbacks = (ending: Ending) => string[];

/** Each callback is a message of its own, with its own id, retries and signature. */
export function createSendCallbacks(publish: Publish): SendCallbacks {
  return (ending) => {
    const { message, isFailed } = ending;
    const targets = [message.callback, isFailed ? message.failureCallback : undefined];
    return targets.flatMap((target) => (target === undefined ? [] : [send(publish, target, ending)]));
  };
}

function send(publish: Publish, target: CallbackTarget, ending: Ending): string {
  return publish.one({
    destination: target.url,
    options: { "upstash-retries": String(ending.message.maxRetries), ...target.options },
    body: Buffer.from(JSON.stringify(callbackBody(ending))),
    callerIp: ending.message.callerIp,
  }).messageId;
}

export function callbackBody({ message, outcome, isFailed, dlqId }: Ending): object {
  return {
    status: outcome.status,
    header: outcome.header,
    body: outcome.body.toString("base64"),
    // After the end nothing is retried, whatever ended it; the Workflow SDK reads a lower number as "will retry" and waits.
    retried: isFailed ? message.maxRetries : message.retried,
    maxRetries: message.maxRetries,
    sourceMessageId: message.messageId,
    topicName: message.topicName ?? "",
    endpointName: message.endpointName ?? "",
    url: message.url,
    method: message.method,
    sourceHeader: message.header,
    sourceBody: message.body.toString("base64"),
    notBefore: message.notBeforeMs,
    createdAt: message.createdAtMs,
    scheduleId: message.scheduleId ?? "",
    callerIP: message.callerIp,
    ...(dlqId !== undefined && { dlqId }),
    ...(message.run !== undefined && {
      workflowRunId: message.run.runId,
      workflowCreatedAt: message.run.runCreatedAtMs,
    }),
  };
}
