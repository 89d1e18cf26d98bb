/**
 * Messages by the official QStash client, held to what we want of it: no development mode, no telemetry, and its own repetitions only where a message
 * has a deduplication id.
 */
import { Client } from "@upstash/qstash";
import { AppError } from "../core/errors.ts";
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

export interface Qstash {
  /**
   * 1 round trip to QStash, 1 billed message for each delivery attempt.
   * @returns the id of the message, or of the earlier one that it repeats.
   * @throws queue_unavailable (retry); misconfigured (park) when the token is refused.
   */
  publish(message: OutgoingMessage): Promise<{ messageId: string }>;
}

export function qstashClient(options: QstashOptions): Qstash {
  const { meter } = options;
  const client = officialClient(options);
  return {
    async publish({ timeoutSeconds, delaySeconds, body, ...message }) {
      meter.messages += 1;
      meter.subrequests += 1;
      try {
        const answer = await client.publish({
          ...message,
          ...(body === undefined ? {} : { body }),
          ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }),
          ...(delaySeconds === undefined ? {} : { delay: delaySeconds }),
        });
        return { messageId: "messageId" in answer ? answer.messageId : "" };
      } catch (cause) {
        throw refused(cause);
      }
    },
  };
}

/** The SDK's client, with its own ways switched off. */
export function officialClient({ url, token }: QstashOptions): Client {
  return new Client({
    baseUrl: url,
    token: token.reveal(),
    retry: { retries: 1, backoff: () => limits.queueRetryMs },
    enableTelemetry: false,
    devMode: false,
  });
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
