/** One attempt of one step: runs its body within its time, and sorts what came of it. */
import { asJson } from "../core/json.ts";
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { Deadlines } from "./deadlines.ts";
import { durationMs } from "./duration.ts";
import { failureOf, isRetryable, retryAfterMsOf } from "./failures.ts";
import type { Failure } from "./journal-entry.ts";
import type { LazyAbort } from "./lazy-abort.ts";
import type { StepContext, StepOptions } from "./run-context.ts";

export type AttemptOutcome =
  | { readonly kind: "done"; readonly value: JsonValue | undefined }
  | { readonly kind: "failed"; readonly failure: Failure }
  /** Failed, and worth another attempt after `delayMs`. */
  | { readonly kind: "again"; readonly failure: Failure; readonly delayMs: number };

export interface AttemptParts {
  readonly deadlines: Deadlines;
  /** Between 0 and 1. */
  readonly chance: () => number;
}

export interface Attempt {
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly options: Pick<StepOptions<never>, "retries" | "backoff" | "timeout">;
  /** Aborted when nobody waits for the attempt any more; also by the attempt itself, when its time is over. */
  readonly abort: LazyAbort;
  readonly body: (step: StepContext) => unknown;
}

/** Never throws, whatever the body does. */
export async function attemptStep(parts: AttemptParts, attempt: Attempt): Promise<AttemptOutcome> {
  try {
    return checked(await withinTime(parts, attempt));
  } catch (thrown) {
    const failure = failureOf(thrown);
    const retries = Math.min(attempt.options.retries ?? limits.stepRetriesDefault, limits.stepRetriesMax);
    if (!isRetryable(thrown) || attempt.attempt > retries) return { kind: "failed", failure };
    return { kind: "again", failure, delayMs: backoffMs(parts, attempt, thrown) };
  }
}

async function withinTime({ deadlines }: AttemptParts, attempt: Attempt): Promise<unknown> {
  const { idempotencyKey, attempt: number, abort, body } = attempt;
  const timeoutMs = durationMs(attempt.options.timeout ?? limits.stepTimeoutMs);
  const timeUp = Promise.withResolvers<never>();
  const meet = deadlines.set(timeoutMs, () => {
    const error = new Error(`no result within ${timeoutMs} ms`);
    abort.abort(error);
    timeUp.reject(error);
  });
  const step: StepContext = {
    idempotencyKey,
    attempt: number,
    get signal() {
      return abort.signal;
    },
  };
  try {
    // The body may fail after its time was up; then nobody is left to be told.
    return await Promise.race([(async () => body(step))(), timeUp.promise]);
  } finally {
    meet();
  }
}

/** A result as the journal can hold it. */
export function checked(result: unknown): Exclude<AttemptOutcome, { kind: "again" }> {
  const json = asJson(result);
  if (json === undefined) {
    return failedWith("result_not_serialisable", "the result is not something that JSON can hold");
  }
  const bytes = new TextEncoder().encode(json.text).byteLength;
  if (bytes <= limits.stepResultBytesMax) return { kind: "done", value: json.value };
  return failedWith("result_too_large", `the result has ${bytes} bytes, of ${limits.stepResultBytesMax} allowed`);
}

/** The body has acted; another attempt would act again and fail again. */
function failedWith(code: string, message: string): Exclude<AttemptOutcome, { kind: "again" }> {
  return { kind: "failed", failure: { name: "StepResultError", code, message } };
}

function backoffMs(parts: AttemptParts, { options, attempt }: Attempt, thrown: unknown): number {
  const askedMs = retryAfterMsOf(thrown);
  if (askedMs !== undefined) return askedMs;
  const firstMs = durationMs(options.backoff ?? limits.stepBackoffMs);
  const fullMs = Math.min(firstMs * 2 ** (attempt - 1), limits.stepBackoffMsMax);
  return Math.round(fullMs * (1 + parts.chance() / 4));
}
