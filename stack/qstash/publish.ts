import { randomUUID } from "node:crypto";
import type { DeduplicationBook } from "./deduplication.ts";
import { deduplicationKey } from "./deduplication.ts";
import { isGroupName, readDestination } from "./destination.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { GroupStore } from "./group-store.ts";
import type { Message } from "./message.ts";
import type { RefuseOwn } from "./own-destination.ts";
import type { QueueStore } from "./queue-store.ts";
import { readOptions, type Options } from "./publish-options.ts";

export interface PublishRequest {
  /** A URL, or the name of a URL group where that is allowed. */
  destination: string;
  options: Options;
  body: Buffer;
  callerIp: string;
  /** The queue to wait in; made when it is missing. */
  queueName?: string;
  /** The schedule that fired. */
  scheduleId?: string;
}

export type PublishAnswer = { messageId: string } | { messageId: string; deduplicated: true };

/**
 * Takes messages, or answers with the earlier message that one repeats. Nothing is kept when it throws.
 * @throws ApiError 400, 404 or 412 for a message that cannot be taken.
 */
export interface Publish {
  /** To a URL; the name of a group is refused. */
  one(request: PublishRequest): PublishAnswer;
  /** To a URL or to a URL group, which gives one message, and one answer, per endpoint. */
  any(request: PublishRequest): PublishAnswer | (PublishAnswer & { url: string })[];
}

export function createPublish(o: {
  dispatcher: Dispatcher;
  deduplication: DeduplicationBook;
  queues: QueueStore;
  groups: GroupStore;
  refuseOwn: RefuseOwn;
  now: () => number;
}): Publish {
  function build(request: PublishRequest, target: Pick<Message, "url" | "topicName" | "endpointName">): Message {
    const nowMs = o.now();
    const options = readOptions(request.options, nowMs);
    o.refuseOwn(target.url, options.callback?.url, options.failureCallback?.url);
    return {
      messageId: newMessageId(),
      body: request.body,
      callerIp: request.callerIp,
      createdAtMs: nowMs,
      retried: 0,
      ...options,
      ...target,
      ...(request.queueName !== undefined && { queueName: request.queueName }),
      ...(request.scheduleId !== undefined && { scheduleId: request.scheduleId }),
    };
  }

  function take(message: Message, { options, body, queueName }: PublishRequest): PublishAnswer {
    const nowMs = o.now();
    const key = deduplicationKey({ url: message.url, options, body });
    const earlierId = key === undefined ? undefined : o.deduplication.find(key, nowMs);
    if (earlierId !== undefined) return { messageId: earlierId, deduplicated: true };
    if (queueName !== undefined) o.queues.upsert(queueName);
    if (key !== undefined) o.deduplication.hold(key, message.messageId, nowMs);
    o.dispatcher.accept(message);
    return { messageId: message.messageId };
  }

  function one(request: PublishRequest): PublishAnswer {
    return take(build(request, { url: readDestination(request.destination) }), request);
  }

  function toGroup(request: PublishRequest) {
    const { name: topicName, endpoints } = o.groups.find(request.destination);
    // All are built before the first is taken: what refuses one refuses all.
    const messages = endpoints.map(({ url, name }) =>
      build(request, { url, topicName, ...(name !== undefined && { endpointName: name }) }),
    );
    return messages.map((message) => ({ ...take(message, request), url: message.url }));
  }

  return { one, any: (request) => (isGroupName(request.destination) ? toGroup(request) : one(request)) };
}

export function newMessageId(): string {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}
