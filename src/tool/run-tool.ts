/**
 * Runs one tool call of a model. Whatever goes wrong comes back in words, for the model to read and do better: an unknown
 * tool, arguments that are no JSON or do not fit, a tool that throws, takes too long, or answers too much.
 *
 * It never throws. It does not decide whether a call may run, nor whether it ran before.
 */
import * as z from "zod/mini";
import { asAppError, errorCatalogue } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { ToolRegistry } from "./registry.ts";
import { failed } from "./tool.ts";
import type { AnyTool, ToolContext, ToolResult } from "./tool.ts";

/** A call as the model made it. */
export interface ToolCall {
  readonly name: string;
  /** The arguments as text; models send an empty one for a tool without arguments. */
  readonly argumentsJson: string;
}

export async function runTool(registry: ToolRegistry, call: ToolCall, context: ToolContext): Promise<ToolResult> {
  const tool = registry.get(call.name);
  if (tool === undefined) {
    const known = registry.describe().map(({ name }) => name);
    return failed(`There is no tool of this name. The tools are: ${known.join(", ")}.`);
  }
  const input = readInput(tool, call.argumentsJson);
  if (input.kind === "failed") return input;
  try {
    return checkSize(tool, await withinTime(tool, input.value, context));
  } catch (thrown) {
    const error = asAppError(thrown);
    context.log.error("tool threw", { tool: tool.name, error });
    return failed(`The tool ${tool.name} failed: ${errorCatalogue[error.code].publicText}`);
  }
}

type ReadInput =
  | { readonly kind: "ok"; readonly value: unknown }
  | { readonly kind: "failed"; readonly errorText: string };

function readInput(tool: AnyTool, argumentsJson: string): ReadInput {
  if (argumentsJson.length > limits.toolInputCharsMax) {
    return { kind: "failed", errorText: `The arguments are longer than ${limits.toolInputCharsMax} characters.` };
  }
  let value: unknown;
  try {
    value = argumentsJson.trim() === "" ? {} : JSON.parse(argumentsJson);
  } catch {
    return { kind: "failed", errorText: "The arguments are not valid JSON." };
  }
  const parsed = z.safeParse(tool.input, value);
  if (parsed.success) return { kind: "ok", value: parsed.data };
  const fields = parsed.error.issues.map((issue) => (issue.path.length === 0 ? "the arguments" : issue.path.join(".")));
  return {
    kind: "failed",
    errorText: `The arguments do not fit the tool's schema at: ${[...new Set(fields)].join(", ")}.`,
  };
}

/** Stops waiting when time is up or the turn is over; the tool sees the same signal and should stop working too. */
async function withinTime(tool: AnyTool, input: unknown, context: ToolContext): Promise<ToolResult> {
  const timeUp = new AbortController();
  const timer = setTimeout(() => timeUp.abort(), tool.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeUp.signal]);
  const stopped = Promise.withResolvers<ToolResult>();
  function stop(): void {
    stopped.resolve(
      failed(
        timeUp.signal.aborted
          ? `The tool ${tool.name} did not answer within ${tool.timeoutMs} ms.`
          : `The tool ${tool.name} was stopped.`,
      ),
    );
  }
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) return await stopped.promise;
    const running = (async () => tool.execute({ ...context, signal }, input))();
    // It may still fail after we stopped waiting; then nobody is left to be told.
    running.catch(() => {});
    return await Promise.race([running, stopped.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function checkSize(tool: AnyTool, result: ToolResult): ToolResult {
  if (result.kind === "failed") return failed(result.errorText.slice(0, limits.toolErrorCharsMax));
  const json = JSON.stringify(result.output ?? null);
  const bytes = new TextEncoder().encode(json).byteLength;
  if (bytes <= limits.toolOutputBytesMax) return { kind: "ok", output: JSON.parse(json) as unknown };
  return failed(
    `The tool ${tool.name} answered ${bytes} bytes, more than the ${limits.toolOutputBytesMax} allowed; ask for less.`,
  );
}
