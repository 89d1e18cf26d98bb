/**
 * What Redis and its HTTP front say when they refuse, sorted into the catalogue.
 *
 * The official client keeps the text of a refusal but not the HTTP status, so the text decides. It also appends the
 * command, which holds users' words; everything from there on is cut off.
 */
import { AppError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import { limits } from "../core/limits.ts";

/** Characters of a refusal that are kept; the rest may quote arguments. */
const refusalCharsMax = 160;
const credentialRefused = /^(WRONGPASS|NOAUTH|NOPERM|Unauthorized)/i;
const passing = /^(LOADING|BUSY|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)|\bmax\b.*\blimit exceeded/i;
const ourDefect = /^(EXECABORT|WRONGTYPE|NOSCRIPT|ERR (unknown|wrong number|syntax|value is not|parse|invalid))/i;

/** One command that Redis refused while the trip went well. What is not known to pass by itself is our defect. */
export function commandRefused(name: string, refusal: string): AppError {
  return fault(`Redis refused ${name}: ${refusal.slice(0, refusalCharsMax)}`, classify(refusal) ?? "internal");
}

/** Whether Redis refused a command because the key holds something of another type. */
export function isWrongType(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === "internal" && thrown.message.includes(": WRONGTYPE");
}

/** A whole trip that failed: no connection, no answer in time, a status of 400 and above, or a body that is no JSON. */
export function tripFailed(thrown: unknown): AppError {
  if (!isUpstashError(thrown)) {
    const name = thrown instanceof Error ? thrown.name : typeof thrown;
    return fault(`Redis did not answer (${name})`, "redis_unavailable", thrown);
  }
  if (thrown.name === "UpstashJSONParseError") {
    return fault("Redis answered with something that is no JSON", "redis_unavailable");
  }
  const refusal = thrown.message.split(", command was:")[0]!.slice(0, refusalCharsMax);
  return fault(`Redis refused the request: ${refusal}`, classify(refusal) ?? "redis_unavailable");
}

function classify(refusal: string): ErrorCode | undefined {
  if (credentialRefused.test(refusal)) return "misconfigured";
  if (passing.test(refusal)) return "redis_unavailable";
  return ourDefect.test(refusal) ? "internal" : undefined;
}

function fault(message: string, code: ErrorCode, cause?: unknown): AppError {
  const retryAfterMs = code === "redis_unavailable" ? limits.redisRetryAfterMs : undefined;
  return new AppError(code, message, { cause, retryAfterMs });
}

function isUpstashError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name.startsWith("Upstash");
}
