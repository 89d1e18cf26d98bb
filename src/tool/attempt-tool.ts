/** Executes a tool within its time and as often as it may be tried, and puts into words whatever comes of it. Never throws. */
import { AppError, asAppError, errorCatalogue } from "../core/errors.ts";
import { asJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { isRetryable, NonRetryableError, RetryAfterError, retryAfterMsOf } from "../engine/failures.ts";
import type { ToolFailure, ToolFailureCode } from "./tool-failure.ts";
import { failed, type AnyTool, type ToolContext, type ToolResult } from "./tool.ts";

export async function attemptTool<Services>(
  tool: AnyTool<Services>,
  input: unknown,
  context: ToolContext<Services>,
): Promise<ToolResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await attemptOnce(tool, input, context);
    const pauseMs = limits.toolBackoffMs * 2 ** (attempt - 1);
    if (attempt > tool.retries || !isWorthAnother(result, pauseMs) || context.signal.aborted) return result;
    await context.pause(pauseMs, context.signal).catch(() => undefined);
  }
}

/** What wants to be left alone for longer is for whoever makes the call again: a queue, or a step of a run. */
function isWorthAnother(result: ToolResult, pauseMs: number): boolean {
  return result.kind === "failed" && result.code === "unavailable" && (result.retryAfterMs ?? 0) <= pauseMs;
}

async function attemptOnce<Services>(
  tool: AnyTool<Services>,
  input: unknown,
  context: ToolContext<Services>,
): Promise<ToolResult> {
  try {
    return checkOutput(tool, await withinTime(tool, input, context));
  } catch (thrown) {
    return sorted(tool, thrown, context);
  }
}

/** Stops waiting when time is up or the caller has left; the tool sees the same signal and should stop working too. */
async function withinTime<Services>(
  tool: AnyTool<Services>,
  input: unknown,
  context: ToolContext<Services>,
): Promise<ToolResult> {
  if (context.signal.aborted) return stopped(tool);
  const ending = new AbortController();
  const timer = new AbortController();
  const gone = Promise.withResolvers<ToolResult>();
  const leave = (): void => {
    ending.abort();
    gone.resolve(stopped(tool));
  };
  context.signal.addEventListener("abort", leave, { once: true });
  const timeUp = context.pause(tool.timeoutMs, timer.signal).then(() => {
    ending.abort();
    return failure("timed_out", `The tool ${tool.name} did not answer within ${tool.timeoutMs} ms.`);
  });
  timeUp.catch(() => undefined);
  try {
    const running = (async () => tool.execute({ ...context, signal: ending.signal }, input))();
    // It may still fail after we stopped waiting; then nobody is left to be told.
    running.catch(() => undefined);
    return await Promise.race([running, timeUp, gone.promise]);
  } finally {
    timer.abort();
    context.signal.removeEventListener("abort", leave);
  }
}

function stopped({ name }: Pick<AnyTool, "name">): ToolFailure {
  return failure("stopped", `The tool ${name} was stopped.`);
}

function checkOutput({ name }: Pick<AnyTool, "name">, result: ToolResult): ToolResult {
  if (result.kind === "failed") return { ...result, errorText: result.errorText.slice(0, limits.toolErrorCharsMax) };
  const json = asJson(result.output ?? null);
  if (json === undefined)
    return failure("unusable_output", `The tool ${name} answered something that JSON cannot hold.`);
  const bytes = new TextEncoder().encode(json.text).byteLength;
  if (bytes <= limits.toolOutputBytesMax) return { kind: "ok", output: json.value ?? null };
  return failure(
    "unusable_output",
    `The tool ${name} answered ${bytes} bytes, more than the ${limits.toolOutputBytesMax} allowed; ask for less.`,
  );
}

/** As of a step: what is not said to be for good may pass. Only what was written for its reader is passed on; the rest is for the log. */
function sorted({ name }: Pick<AnyTool, "name">, thrown: unknown, { log, signal }: ToolContext): ToolFailure {
  if (thrown instanceof NonRetryableError) return failed(thrown.message.slice(0, limits.toolErrorCharsMax));
  if (signal.aborted) return stopped({ name });
  log.error("tool threw", { tool: name, error: thrown instanceof Error ? thrown : asAppError(thrown) });
  if (!isRetryable(thrown)) return failure("broken", `The tool ${name} failed: ${publicTextOf(thrown)}`);
  const unavailable = failure("unavailable", `The tool ${name} failed: ${wordsOf(thrown)}`);
  const retryAfterMs = retryAfterMsOf(thrown);
  return retryAfterMs === undefined ? unavailable : { ...unavailable, retryAfterMs };
}

function wordsOf(thrown: unknown): string {
  if (thrown instanceof RetryAfterError) return thrown.message.slice(0, limits.toolErrorCharsMax);
  return thrown instanceof AppError ? publicTextOf(thrown) : "Something went wrong, perhaps in passing.";
}

function publicTextOf(thrown: unknown): string {
  return errorCatalogue[asAppError(thrown).code].publicText;
}

function failure(code: ToolFailureCode, errorText: string): ToolFailure {
  return { kind: "failed", code, errorText };
}
