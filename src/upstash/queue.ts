import type { TurnQueue } from "../agent/chat.ts";
import { AppError } from "../core/errors.ts";
import { sha256Hex } from "../core/sha256.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import type { CallPort } from "../engine/engine-parts.ts";
import type { Queue, Trigger } from "../engine/queue.ts";
import type { ConversationRef } from "../event/event-log.ts";
import { durationMs } from "../engine/duration.ts";
import { NonRetryableError } from "../engine/failures.ts";
import type { OutgoingMessage, Publisher, Qstash } from "./qstash.ts";

/** Where QStash brings the triggers; the router serves the same paths. */
export const enginePaths = {
  executeStep: "/api/engine/execute-step",
  callResult: "/api/engine/call-result",
  continueTurn: "/api/engine/continue-turn",
  fireSchedule: "/api/engine/fire-schedule",
} as const;

export interface UpstashQueueOptions {
  readonly qstash: Qstash;
  /** Without a slash at the end. */
  readonly appUrl: string;
  readonly clock: Clock;
}

/**
 * Triggers as QStash messages. QStash counts time in seconds: what is scheduled comes up to a second late, never early. A wait beyond its longest delay comes
 * early, and the segment sends the rest.
 */
export function upstashQueue({ qstash, appUrl, clock }: UpstashQueueOptions): Queue {
  function messageOf({ ref, definition, after }: Trigger, when: When): OutgoingMessage {
    return {
      url: `${appUrl}${enginePaths.executeStep}`,
      body: JSON.stringify({ ...ref, definition, ...(after === undefined ? {} : { after }) }),
      headers: { "content-type": "application/json" },
      retries: limits.triggerRetries,
      retryDelay: triggerRetryDelay,
      label: ref.userId,
      ...when,
      // Only a trigger that follows a segment is one of a kind.
      ...(after === undefined ? {} : { deduplicationId: deduplicationId(ref.runId, after, when) }),
    };
  }

  async function send(trigger: Trigger, when: When): Promise<void> {
    await qstash.publish(messageOf(trigger, when));
  }

  return {
    isBilled: true,
    triggerNextStep: (trigger) => send(trigger, {}),
    triggerNextSteps: (triggers) => qstash.publishAll(triggers.map((trigger) => messageOf(trigger, {}))),
    scheduleStep(trigger, delayMs) {
      const delaySeconds = Math.ceil(Math.min(delayMs, limits.queueDelayMsMax) / 1000);
      return send(trigger, delaySeconds > 0 ? { delaySeconds } : {});
    },
    scheduleStepAt: (trigger, atMs) =>
      send(trigger, { notBefore: Math.ceil(Math.min(atMs, clock.now() + limits.queueDelayMsMax) / 1000) }),
  };
}

export function upstashTurnQueue({ qstash, appUrl }: Pick<UpstashQueueOptions, "qstash" | "appUrl">): TurnQueue {
  const messageOf = (ref: ConversationRef): OutgoingMessage => ({
    url: `${appUrl}${enginePaths.continueTurn}`,
    body: JSON.stringify(ref),
    headers: { "content-type": "application/json" },
    retries: limits.triggerRetries,
    retryDelay: triggerRetryDelay,
    label: ref.userId,
  });
  return {
    async continueTurn(ref) {
      await qstash.publish(messageOf(ref));
    },
    continueTurns: (refs) => qstash.publishAll(refs.map(messageOf)),
  };
}

/** By the queue's clock, or by ours. */
type When = { readonly delaySeconds?: number } | { readonly notBefore: number };

function deduplicationId(runId: string, after: number, when: When): string {
  return `${runId}-${after}-${Object.values(when)[0] ?? 0}`;
}

/** 1, 4, 16 s: QStash's own schedule begins at 12 s, which is long for a person who waits. */
const triggerRetryDelay = "1000 * pow(4, retried)";

/** Has QStash make the request; its callback brings the answer to `enginePaths.callResult`. */
export function upstashCalls({ qstash, appUrl }: { readonly qstash: Publisher; readonly appUrl: string }): CallPort {
  return {
    async send({ ref, step, signal, request }) {
      const { url, body, headers = {}, retries = 0, timeout } = request;
      const query = new URLSearchParams({ userId: ref.userId, runId: ref.runId, signal });
      const callback = `${appUrl}${enginePaths.callResult}?${query.toString()}`;
      const message = {
        url,
        method: request.method ?? (body === undefined ? "GET" : "POST"),
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        retries,
        callback,
        failureCallback: callback,
        label: ref.userId,
        deduplicationId: await callId(`${ref.runId}/${step}`),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(timeout === undefined ? {} : { timeoutSeconds: Math.ceil(durationMs(timeout) / 1000) }),
      };
      await qstash.publish(message).catch((cause: unknown) => {
        if (!(cause instanceof AppError) || cause.code !== "internal") throw cause;
        throw new NonRetryableError("the queue refused to make the call: check its URL, headers and size", { cause });
      });
    },
  };
}

/** Names of steps may hold anything; ids of messages may not. */
async function callId(text: string): Promise<string> {
  return `call-${await sha256Hex(text)}`;
}
