/**
 * Messages by the official QStash client, held to what we want of it: no development mode, no telemetry, and one repetition at most, of a request that got no answer.
 * So a message without a deduplication id may be sent twice.
 */
import { Client } from "@upstash/qstash";
import { AppError, asAppError, isOutage } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Meter } from "../core/meter.ts";
import type { Secret } from "../core/secret.ts";

export interface QstashOptions {
  readonly url: string;
  readonly token: Secret;
  readonly meter: Meter;
}

export interface OutgoingMessage {
  readonly url: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Unix seconds. */
  readonly notBefore?: number;
  readonly delaySeconds?: number;
  readonly retries: number;
  /** Milliseconds as an expression over `retried`. */
  readonly retryDelay?: string;
  /** Of one delivery. */
  readonly timeoutSeconds?: number;
  /** Gets the answer, and what failed for good. */
  readonly callback?: string;
  readonly failureCallback?: string;
  readonly deduplicationId?: string;
  /** Finds the message again. Every message of a user's has the user's id among them. */
  readonly label?: string | string[];
}

export interface Publisher {
  /**
   * 1 round trip to QStash, 1 billed message for each delivery attempt, and for each of its callback.
   * @returns the id of the message, or of the earlier one that it repeats.
   * @throws queue_unavailable (retry); misconfigured (park) when the token is refused; internal (park) when the message is.
   */
  publish(message: OutgoingMessage): Promise<{ messageId: string }>;
}

export interface Qstash extends Publisher {
  /**
   * All in 1 round trip; what is refused there is sent once more by itself, so that it neither holds up the others nor is taken for one of them.
   * @returns for each, in order, why it was not taken: an error as `publish` throws it; `undefined` where it was.
   */
  publishAll(messages: readonly OutgoingMessage[]): Promise<readonly (AppError | undefined)[]>;
}

export function qstashClient(options: QstashOptions): Qstash {
  const { meter } = options;
  const client = officialClient(options);

  async function publish(message: OutgoingMessage): Promise<{ messageId: string }> {
    meter.subrequests += 1;
    try {
      const answer = await client.publish(requestOf(message));
      count(meter, message, answer);
      return { messageId: "messageId" in answer ? answer.messageId : "" };
    } catch (cause) {
      const error = refused(cause);
      if (statusOf(cause) === undefined) count(meter, message, undefined);
      throw error;
    }
  }

  /** @returns what QStash says of each; nothing of any where none was taken. */
  async function batch(messages: readonly OutgoingMessage[]): Promise<readonly object[]> {
    meter.subrequests += 1;
    try {
      const answers = await client.batch(messages.map(requestOf));
      if (answers.length !== messages.length)
        throw new Error(`${answers.length} answers to ${messages.length} messages`);
      messages.forEach((message, index) => count(meter, message, answers[index]));
      return answers;
    } catch (cause) {
      const error = refused(cause);
      if (statusOf(cause) === undefined) for (const message of messages) count(meter, message, undefined);
      if (isOutage(error)) throw error;
      return messages.map(() => ({}));
    }
  }

  return {
    publish,
    async publishAll(messages) {
      if (messages.length === 0) return [];
      try {
        const answers = messages.length === 1 ? [{}] : await batch(messages);
        return await byThemselves(publish, messages, answers);
      } catch (thrown) {
        return messages.map(() => asAppError(thrown));
      }
    },
  };
}

/** Sends those of a batch that were not taken, until QStash cannot be reached: the status of an answer of their own says why. */
async function byThemselves(
  publish: Publisher["publish"],
  messages: readonly OutgoingMessage[],
  answers: readonly object[],
): Promise<(AppError | undefined)[]> {
  const outcomes: (AppError | undefined)[] = [];
  let lost: AppError | undefined;
  for (const [index, message] of messages.entries()) {
    const isTaken = "messageId" in answers[index]!;
    const outcome = isTaken ? undefined : (lost ?? (await failureOf(publish(message))));
    if (outcome !== undefined && isOutage(outcome)) lost = outcome;
    outcomes.push(outcome);
  }
  return outcomes;
}

async function failureOf(work: Promise<unknown>): Promise<AppError | undefined> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    return asAppError(thrown);
  }
}

function requestOf({ timeoutSeconds, delaySeconds, body, ...message }: OutgoingMessage) {
  return {
    ...message,
    ...(body === undefined ? {} : { body }),
    ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }),
    ...(delaySeconds === undefined ? {} : { delay: delaySeconds }),
  };
}

/**
 * A message that QStash refuses costs nothing. One whose answer was lost may have been taken; one that repeats an earlier one counts, since what sent that may not have
 * lived to say so.
 */
function count(meter: Meter, message: OutgoingMessage, answer: object | undefined): void {
  if (answer !== undefined && "error" in answer) return;
  meter.messages += billedOnce(message);
}

/** Messages that QStash bills for one that arrives at its first attempt: a callback is one of its own. */
export function billedOnce({ callback }: { readonly callback?: string }): number {
  return callback === undefined ? 1 : 2;
}

export function officialClient(options: QstashOptions): Client {
  return new Client(clientOptions(options));
}

/** The SDK's clients, with their own ways switched off. */
export function clientOptions({ url, token, meter }: QstashOptions) {
  return {
    baseUrl: url,
    token: token.reveal(),
    retry: {
      retries: 1,
      // Asked before each repetition, of which it tells nobody else.
      backoff() {
        meter.subrequests += 1;
        return limits.queueRetryMs;
      },
    },
    enableTelemetry: false,
    devMode: false,
  } as const;
}

/** The HTTP status with which QStash refused; `undefined` when it did not answer. */
export function statusOf(cause: unknown): number | undefined {
  return typeof cause === "object" && cause !== null && "status" in cause ? Number(cause.status) : undefined;
}

export function refused(cause: unknown): AppError {
  const status = statusOf(cause);
  if (status === 401 || status === 403) return new AppError("misconfigured", "QStash refused the token", { cause });
  if (status !== undefined && status >= 400 && status < 500 && status !== 429) {
    return new AppError("internal", `QStash refused the message with status ${status}`, { cause });
  }
  const retryAfterMs = limits.queueRetryAfterMs;
  return new AppError("queue_unavailable", "QStash did not take the message", { cause, retryAfterMs });
}
