/** What the code of a run throws, and what it catches. */
import { AppError, errorCatalogue } from "../core/errors.ts";
import { asJson, type JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { Failure } from "./journal-entry.ts";

/**
 * Thrown by `ctx.step` and its kin when a step has failed for good. Code may catch it and go on another way; if it does not, what was done is
 * undone and the run fails.
 */
export class StepFailed extends Error {
  readonly step: string;
  readonly failure: Failure;

  constructor(step: string, failure: Failure) {
    super(`step "${step}" failed: ${failure.message}`);
    this.name = "StepFailed";
    this.step = step;
    this.failure = failure;
  }
}

/** Thrown by the code of a run to end it in words: what was done is undone, and the run fails with this message. */
export class RunFailed extends Error {
  readonly code: string | undefined;

  constructor(message: string, options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RunFailed";
    this.code = options.code;
  }
}

/** Thrown by a step that another attempt would not help. */
export class NonRetryableError extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "NonRetryableError";
  }
}

/** Thrown by a step or a tool that may be tried again, and not before so long. What it says is for whoever reads of the failure. */
export class RetryAfterError extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RetryAfterError";
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** How long whoever threw it wants to be left alone, at most `limits.stepRetryAfterMsMax`; `undefined` where nothing was said. */
export function retryAfterMsOf(thrown: unknown): number | undefined {
  const isAsking = thrown instanceof AppError || thrown instanceof RetryAfterError;
  if (!isAsking || thrown.retryAfterMs === undefined) return undefined;
  return Math.min(Math.max(0, thrown.retryAfterMs), limits.stepRetryAfterMsMax);
}

/** A mistake in a definition: thrown where its code asks for what a run cannot do. The run is parked, and its owner reads what is wrong. */
class BadDefinition extends Error {
  readonly code = "bad_definition";

  constructor(message: string) {
    super(message);
    this.name = "BadDefinition";
  }
}

/** States what the code of a run has to keep to. @throws BadDefinition with `complaint`, which its owner reads, when it does not. */
export function demand(condition: unknown, complaint: string): asserts condition {
  if (!condition) throw new BadDefinition(complaint);
}

/** A value as JSON keeps it. @throws BadDefinition for what JSON cannot hold in so many bytes. */
export function demandJson(what: string, value: unknown, bytesMax: number): JsonValue | undefined {
  const json = asJson(value);
  demand(json !== undefined && json.text.length <= bytesMax, `${what} is no JSON of at most ${bytesMax} bytes`);
  return json.value;
}

/** Any thrown value in words; messages are cut, and those of our own failures that are nobody's business are replaced. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof StepFailed) return thrown.failure;
  if (thrown instanceof AppError) {
    const { status, publicText } = errorCatalogue[thrown.code];
    return { name: thrown.name, code: thrown.code, message: cut(status < 500 ? thrown.message : publicText) };
  }
  if (!(thrown instanceof Error)) return { name: "Error", message: cut(`a ${typeof thrown} was thrown`) };
  const code = "code" in thrown && typeof thrown.code === "string" ? { code: thrown.code.slice(0, 64) } : {};
  return { name: thrown.name.slice(0, 64), message: cut(thrown.message), ...code };
}

/** Whether another attempt may help. */
export function isRetryable(thrown: unknown): boolean {
  if (thrown instanceof NonRetryableError || thrown instanceof StepFailed || thrown instanceof RunFailed) return false;
  if (thrown instanceof BadDefinition) return false;
  return !(thrown instanceof AppError) || thrown.disposition === "retry";
}

/** Why something could not be begun. */
export interface Trouble {
  readonly failure: Failure;
  /** The step fails with it; else it is a defect, and the run is parked. */
  readonly isRefusal: boolean;
  /** What was thrown. */
  readonly error: unknown;
}

/** Begins something outside. @returns what kept it from being begun. @throws what may pass: a storage or a queue that fails is nobody's outcome. */
export async function troubleOf(begin: () => Promise<void>): Promise<Trouble | undefined> {
  try {
    await begin();
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.disposition === "retry") throw error;
    const isRefused = error instanceof AppError && error.disposition === "refuse";
    return { failure: failureOf(error), isRefusal: isRefused || error instanceof NonRetryableError, error };
  }
}

function cut(message: string): string {
  return message.length <= limits.failureCharsMax ? message : `${message.slice(0, limits.failureCharsMax - 1)}…`;
}
