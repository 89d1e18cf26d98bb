/** Reads the parsed tree of one chat completion chunk. Everything in it was written by someone else: nothing is trusted. */
import { AppError } from "../core/errors.ts";
import type { ModelFinishReason, ModelUsage } from "../agent/model-port.ts";
import { failureOfStatus, namesOfError } from "./model-failure.ts";

interface ChunkTree {
  readonly id?: unknown;
  readonly object?: unknown;
  readonly error?: unknown;
  readonly choices?: unknown;
  readonly usage?: unknown;
}

export interface ToolCallDelta {
  /** Position in the answer; some providers leave it out. */
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  readonly argumentsPart: string;
}

export interface CompletionChunk {
  readonly completionId: string | undefined;
  readonly text: string;
  readonly toolCalls: readonly ToolCallDelta[];
  readonly finishReason: ModelFinishReason | undefined;
  readonly usage: ModelUsage | undefined;
}

/**
 * The chunk that `payload` says.
 *
 * @throws model_garbled when it is not a JSON object.
 * @throws the failure that the provider reports in the stream.
 */
export function readChunk(payload: string): CompletionChunk {
  const tree = parseObject(payload) as ChunkTree;
  if (isPresent(tree.error) || tree.object === "error") throw failureInStream(tree);
  const choice = firstChoice(tree);
  const delta = asObject(choice?.["delta"]);
  return {
    completionId: typeof tree.id === "string" && tree.id !== "" ? tree.id : undefined,
    text: textOf(delta?.["content"]),
    toolCalls: asArray(delta?.["tool_calls"]).map(toolCallDelta),
    finishReason: finishReasonOf(choice?.["finish_reason"]),
    usage: usageOf(tree.usage),
  };
}

function parseObject(payload: string): object {
  let tree: unknown;
  try {
    tree = JSON.parse(payload);
  } catch (cause) {
    throw new AppError("model_garbled", "The model sent an event that is not JSON.", { cause });
  }
  if (asObject(tree) !== undefined) return tree as object;
  throw new AppError("model_garbled", "The model sent an event that is not a JSON object.");
}

function firstChoice(tree: ChunkTree): Record<string, unknown> | undefined {
  return asObject(asArray(tree.choices)[0]);
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return asArray(content)
    .map((part) => asObject(part)?.["text"])
    .filter((text) => typeof text === "string")
    .join("");
}

function toolCallDelta(value: unknown): ToolCallDelta {
  const call = asObject(value) ?? {};
  const target = asObject(call["function"]) ?? {};
  const part = target["arguments"];
  return {
    index: typeof call["index"] === "number" ? call["index"] : undefined,
    id: stringOf(call["id"]),
    name: stringOf(target["name"]),
    // Some providers send the arguments as a tree.
    argumentsPart: asObject(part) === undefined ? stringOf(part) : JSON.stringify(part),
  };
}

function finishReasonOf(value: unknown): ModelFinishReason | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  switch (value) {
    case "stop":
      return "stop";
    case "length":
    case "max_tokens":
      return "length";
    case "tool_calls":
    case "function_call":
      return "tool-calls";
    case "content_filter":
      return "content-filter";
    default:
      return "other";
  }
}

function usageOf(value: unknown): ModelUsage | undefined {
  const usage = asObject(value);
  if (usage === undefined) return undefined;
  return {
    inputTokens: countOf(usage["prompt_tokens"]),
    outputTokens: countOf(usage["completion_tokens"]),
  };
}

function failureInStream(tree: ChunkTree): AppError {
  const report = asObject(tree.error) ?? (isPresent(tree.error) ? {} : (tree as Record<string, unknown>));
  const status = Number(report["code"] ?? report["status"]);
  return failureOfStatus(
    status >= 400 && status <= 599 ? status : 500,
    `The model failed in the middle of its answer: ${namesOfError(report)}`,
  );
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}
