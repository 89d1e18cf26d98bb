/** What is told to the callback URLs of a message that has ended. Source: protocol document, B.5. */
import type { CallbackTarget, Message, Outcome } from "./message.ts";
import type { Publish } from "./publish.ts";

/** A message that ended; `dlqId` is present exactly when it failed for good. */
export interface Ending {
  message: Message;
  outcome: Outcome;
  dlqId?: string;
}

/** Returns the ids of the callback messages, none when there is nothing to tell. */
export type SendCallbacks = (ending: Ending) => string[];

/** Each callback is a message of its own, with its own id, retries and signature. */
export function createSendCallbacks(publish: Publish): SendCallbacks {
  return (ending) => {
    const { message, dlqId } = ending;
    const targets = [message.callback, dlqId === undefined ? undefined : message.failureCallback];
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

function callbackBody({ message, outcome, dlqId }: Ending): object {
  return {
    status: outcome.status,
    header: outcome.header,
    body: outcome.body.toString("base64"),
    // After the end nothing is retried, whatever ended it; the Workflow SDK reads a lower number as "will retry" and waits.
    retried: dlqId === undefined ? message.retried : message.maxRetries,
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
  };
}
