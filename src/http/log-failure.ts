import { asAppError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { InvalidBody } from "./invalid-body.ts";

/**
 * Logs a failed request as loud as it concerns us: what the caller did wrong is noted by its code alone, what may pass is a
 * warning, the rest is an error with stack and cause.
 */
export function logFailure(log: Log, thrown: unknown): void {
  const error = asAppError(thrown);
  const reason = error instanceof InvalidBody ? error.reason : error.message;
  if (error.disposition === "refuse") log.debug("request refused", { code: error.code, reason });
  else if (error.disposition === "retry") log.warn("request failed for now", { error });
  else log.error("request failed", { error });
}
