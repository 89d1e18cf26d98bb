/** Sorts what a provider says into the catalogue. */
import { AppError } from "../core/errors.ts";
import { retryAfterMsMax } from "./model-limits.ts";

/** The failure that an answer means which is not ok. */
export function failureOfAnswer(who: string, { status, headers }: Response, body: string): AppError {
  const words = `${who} answered with status ${status}: ${namesOfError(readError(body))}`;
  return failureOfStatus(status, words, retryAfterMsOf(headers));
}

const errorName = /^[\w.-]{1,64}$/;

/** For the log: the error's type and code. Not its message: some providers repeat there what they were asked, or part of the key. */
export function namesOfError({ type, code }: { readonly type?: unknown; readonly code?: unknown }): string {
  const names = [type, code].filter((name) => typeof name === "string" && errorName.test(name));
  return names.length === 0 ? "no reason that could be read" : names.join(", ");
}

function readError(body: string): object {
  try {
    const { error } = JSON.parse(body) as { error?: object | null };
    return error ?? {};
  } catch {
    return {};
  }
}

/** The failure that an HTTP status of a provider means; `message` is for the log and must not hold the key. */
export function failureOfStatus(status: number, message: string, retryAfterMs?: number): AppError {
  if (status === 429) return new AppError("model_rate_limited", message, { retryAfterMs });
  // 408 and 425 are 4xx only by number: the same request may pass later.
  if (status === 408 || status === 425) {
    return new AppError("model_unavailable", message, { retryAfterMs });
  }
  if (status >= 400 && status < 500) return new AppError("model_rejected", message);
  return new AppError("model_unavailable", message, { retryAfterMs });
}

/**
 * Milliseconds that the provider asks to wait: `retry-after-ms`, else `Retry-After` in seconds or as an HTTP date, which is
 * read against the `Date` header of the same answer so that no clock of ours is involved.
 */
function retryAfterMsOf(headers: Headers): number | undefined {
  const milliseconds = wholeNumber(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return bounded(milliseconds);
  const value = headers.get("retry-after");
  const seconds = wholeNumber(value);
  if (seconds !== undefined) return bounded(seconds * 1_000);
  const waitMs = Date.parse(value ?? "") - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(waitMs) ? undefined : bounded(waitMs);
}

function wholeNumber(value: string | null): number | undefined {
  return value !== null && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Math.ceil(Number(value)) : undefined;
}

function bounded(waitMs: number): number {
  return Math.min(Math.max(waitMs, 0), retryAfterMsMax);
}
