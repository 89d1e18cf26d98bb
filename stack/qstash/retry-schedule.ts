/** When a failed delivery is tried again. Source: protocol document, B.6. */
import type { HeaderLists, Message } from "./message.ts";
import { parseDurationMs } from "./durations.ts";
import { retryDelayMsMax } from "./limits.ts";
import { parseRetryDelay } from "./retry-delay.ts";

const overridingHeaders = [
  "Retry-After",
  "X-Ratelimit-Reset",
  "X-Ratelimit-Reset-Requests",
  "X-Ratelimit-Reset-Tokens",
];

export interface RetryQuestion {
  message: Message;
  /** Headers of the failed response; empty when there was none. */
  header: HeaderLists;
  nowMs: number;
  /** Factor of the default schedule alone: 12 seconds, 2 minutes, 30 minutes are long on a developer's machine. */
  retryScale: number;
}

/** Milliseconds from now, 0 to one day. The destination's wish goes before the sender's, the sender's before the default. */
export function retryDelayMs(question: RetryQuestion): number {
  const { message } = question;
  const wishedMs = wishOfDestinationMs(question.header, question.nowMs);
  if (wishedMs !== undefined) return clamp(wishedMs);
  if (message.retryDelayExpression !== undefined) {
    const calculatedMs = parseRetryDelay(message.retryDelayExpression)(message.retried);
    // What production does with 0/0 is not documented; the default keeps the message alive.
    if (!Number.isNaN(calculatedMs)) return clamp(calculatedMs);
  }
  return clamp(defaultDelayMs(message.retried) * question.retryScale);
}

/** min(86400, e^(2.5·n)) seconds before the n-th retry: 12 s, 2 min 28 s, 30 min 8 s, 6 h 7 min, one day. */
function defaultDelayMs(retried: number): number {
  return Math.min(retryDelayMsMax, Math.floor(Math.exp(2.5 * (retried + 1))) * 1_000);
}

function wishOfDestinationMs(header: HeaderLists, nowMs: number): number | undefined {
  for (const name of overridingHeaders) {
    const value = header[name]?.[0];
    const wishedMs = value === undefined ? undefined : readWishMs(value, nowMs);
    if (wishedMs !== undefined) return wishedMs;
  }
  return undefined;
}

/** Seconds, a duration such as `6m0s`, or an HTTP date; undefined for anything else, which is then ignored. */
function readWishMs(value: string, nowMs: number): number | undefined {
  const trimmed = value.trim();
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1_000;
  const durationMs = parseDurationMs(trimmed);
  if (durationMs !== undefined) return durationMs;
  if (!/^[A-Za-z]{3},/.test(trimmed)) return undefined;
  const dateMs = Date.parse(trimmed);
  return Number.isNaN(dateMs) ? undefined : dateMs - nowMs;
}

function clamp(delayMs: number): number {
  return Math.min(retryDelayMsMax, Math.max(0, Math.round(delayMs)));
}
