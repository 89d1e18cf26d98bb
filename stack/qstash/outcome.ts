/** What an outcome means. Source: protocol document, B.4 and B.6. */
import { STATUS_CODES } from "node:http";
import type { Outcome } from "./message.ts";

export function isSuccess(outcome: Outcome): boolean {
  return outcome.error === undefined && outcome.status >= 200 && outcome.status < 300;
}

/** Whether a failure is one that no retry can mend. Status 489 without its header is an ordinary failure. */
export function isFinal(outcome: Outcome): boolean {
  const isRefusal = outcome.header["Upstash-Nonretryable-Error"]?.[0]?.toLowerCase() === "true";
  return outcome.isFinal === true || (outcome.status === 489 && isRefusal);
}

/** A failure in words, `500 Internal Server Error` say. */
export function failureText(outcome: Outcome): string {
  return outcome.error ?? `${outcome.status} ${STATUS_CODES[outcome.status] ?? ""}`.trim();
}
