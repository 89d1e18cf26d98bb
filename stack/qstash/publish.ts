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

export interface PublishAnswer {
  messageId: string;
  /** The message is an earlier one that this one repeats. */
  deduplicated?: true;
  /** Present for a message that was taken into a workflow run. */
  workflowRunId?: string;
  workflowCreatedAt?: number;
}

/** Takes a message of a workflow run, whose destination is a URL. @throws ApiError 400 or 412 */
export type TakeForRun = (request: PublishRequest) => PublishAnswer;

/**
 * Takes messages, or answers with the earlier message that one repeats. Nothing is kept when it throws.
 * @throws ApiError 400, 404 or 412 for a message that cannot be taken.
 */
export interface Publish {
  /** To a URL; the name of a group is refused. */
  one(request: PublishRequest): PublishAnswer;
  /** To a URL or to a URL group, which gives one message, and one answer, per endpoint. */
  any(request: PublishRequest): PublishAnswer | (PublishAnswer & { url: string })[];
  /** Refuses what `any` would refuse in the options of the request. @throws ApiError 400 or 412 */
  check(request: PublishRequest): void;
}

export function belongsToRun(options: Options): boolean {
  return options["upstash-workflow-runid"] !== undefined;
}

export function createPublish(o: {
  dispatcher: Dispatcher;
  deduplication: DeduplicationBook;
  queues: QueueStore;
  groups: GroupStore;
  refuseOwn: RefuseOwn;
  takeForRun: TakeForRun;
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

  /** Takes what is no repetition of an earlier message. */
  function once({ options, body }: PublishRequest, url: string, take: () => PublishAnswer): PublishAnswer {
    const nowMs = o.now();
    const key = deduplicationKey({ url, options, body });
    const earlierId = key === undefined ? undefined : o.deduplication.find(key, nowMs);
    if (earlierId !== undefined) return { messageId: earlierId, deduplicated: true };
    const answer = take();
    if (key !== undefined) o.deduplication.hold(key, answer.messageId, nowMs);
    return answer;
  }

  function accept(message: Message, { queueName }: PublishRequest): PublishAnswer {
    if (queueName !== undefined) o.queues.upsert(queueName);
    o.dispatcher.accept(message);
    return { messageId: message.messageId };
  }

  function one(request: PublishRequest): PublishAnswer {
    const url = readDestination(request.destination);
    if (belongsToRun(request.options)) return once(request, url, () => o.takeForRun({ ...request, destination: url }));
    const message = build(request, { url });
    return once(request, url, () => accept(message, request));
  }

  function toGroup(request: PublishRequest) {
    const { name: topicName, endpoints } = o.groups.find(request.destination);
    // All are built before the first is taken: what refuses one refuses all.
    const messages = endpoints.map(({ url, name }) =>
      build(request, { url, topicName, ...(name !== undefined && { endpointName: name }) }),
    );
    return messages.map((message) => ({
      ...once(request, message.url, () => accept(message, request)),
      url: message.url,
    }));
  }

  return {
    one,
    any: (request) =>
      isGroupName(request.destination) && !belongsToRun(request.options) ? toGroup(request) : one(request),
    check: ({ options }) => void readOptions(options, o.now()),
  };
}

export function newMessageId(): string {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}
