import { randomUUID } from "node:crypto";
import type { DeduplicationBook } from "./deduplication.ts";
import { deduplicationKey } from "./deduplication.ts";
import { readDestination } from "./destination.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Message } from "./message.ts";
import type { QueueStore } from "./queue-store.ts";
import { readOptions, type Options } from "./publish-options.ts";

export interface PublishRequest {
  destination: string;
  options: Options;
  body: Buffer;
  callerIp: string;
  /** The queue to wait in; made when it is missing. */
  queueName?: string;
}

export type PublishAnswer = { messageId: string } | { messageId: string; deduplicated: true };

/**
 * Takes one message, or answers with the earlier message that it repeats. Nothing is kept when it throws.
 * @throws ApiError 400, 404 or 412 for a message that cannot be taken.
 */
export type Publish = (request: PublishRequest) => PublishAnswer;

export function createPublish(o: {
  dispatcher: Dispatcher;
  deduplication: DeduplicationBook;
  queues: QueueStore;
  now: () => number;
}): Publish {
  return ({ destination, options, body, callerIp, queueName }) => {
    const nowMs = o.now();
    const url = readDestination(destination);
    const message: Message = {
      messageId: newMessageId(),
      url,
      body,
      callerIp,
      createdAtMs: nowMs,
      retried: 0,
      ...readOptions(options, nowMs),
      ...(queueName !== undefined && { queueName }),
    };
    if (queueName !== undefined) o.queues.upsert(queueName);
    const key = deduplicationKey({ url, options, body });
    const earlierId = key === undefined ? undefined : o.deduplication.find(key, nowMs);
    if (earlierId !== undefined) return { messageId: earlierId, deduplicated: true };
    if (key !== undefined) o.deduplication.hold(key, message.messageId, nowMs);
    o.dispatcher.accept(message);
    return { messageId: message.messageId };
  };
}

export function newMessageId(): string {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}
