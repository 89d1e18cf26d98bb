/**
 * A reply in the shapes of the chat completions API: one JSON document, or the lines of an event stream.
 *
 * Source: the OpenAI API reference, "The chat completion object" and "The chat completion chunk object".
 */
import { createHash } from "node:crypto";
import type { ChatRequest } from "./chat-request.ts";
import type { PlannedCall, Reply } from "./reply.ts";

/** What all chunks of one completion have in common. */
export interface CompletionHead {
  id: string;
  created: number;
  model: string;
  /** Ids of the tool calls, in order. */
  callIds: string[];
}

/** Tool arguments are streamed in pieces of this length, so that a reader must join them. */
const ARGUMENT_CHARS_PER_CHUNK = 12;

/** Ids are derived from the call's number and body: the same calls in the same order get the same ids. */
export function completionHead(o: {
  number: number;
  bodyText: string;
  nowMs: number;
  model: string;
  callCount: number;
}): CompletionHead {
  const seed = `${o.number}\n${o.bodyText}`;
  return {
    id: `chatcmpl-${shortHash(seed)}`,
    created: Math.floor(o.nowMs / 1000),
    model: o.model,
    callIds: Array.from({ length: o.callCount }, (_, index) => `call_${shortHash(`${index}\n${seed}`)}`),
  };
}

/** The `data:` lines of the stream, `[DONE]` included, each ended by a blank line. */
export function streamLines(request: ChatRequest, reply: Reply, head: CompletionHead): string[] {
  const opening = {
    role: "assistant",
    content: reply.calls.length > 0 && reply.chunks.length === 0 ? null : "",
    refusal: null,
  };
  const deltas: object[] = [opening, ...reply.chunks.map((content) => ({ content }))];
  reply.calls.forEach((call, index) => deltas.push(...callDeltas(call, index, head.callIds[index] ?? "")));

  // With include_usage every chunk says `usage: null` and one more, without choices, carries the numbers.
  const common = {
    id: head.id,
    object: "chat.completion.chunk",
    created: head.created,
    model: head.model,
    service_tier: "default",
    system_fingerprint: SYSTEM_FINGERPRINT,
  };
  const usageNull = request.wantsUsage ? { usage: null } : {};
  const chunk = (delta: object, finish_reason: string | null): string =>
    dataLine({ ...common, choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...usageNull });
  const lines = deltas.map((delta) => chunk(delta, null));
  lines.push(chunk({}, reply.finishReason));
  if (request.wantsUsage) lines.push(dataLine({ ...common, choices: [], usage: usageOf(request, reply) }));
  lines.push("data: [DONE]\n\n");
  return lines;
}

/** The document of an answer that is not streamed. */
export function completionDocument(request: ChatRequest, reply: Reply, head: CompletionHead): object {
  const calls = reply.calls.map((call, index) => ({
    id: head.callIds[index],
    type: "function",
    function: { name: call.name, arguments: call.argumentsText },
  }));
  const text = reply.chunks.join("");
  const message = {
    role: "assistant",
    content: calls.length > 0 && text === "" ? null : text,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    refusal: null,
    annotations: [],
  };
  return {
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: reply.finishReason }],
    usage: usageOf(request, reply),
    service_tier: "default",
    system_fingerprint: SYSTEM_FINGERPRINT,
  };
}

const SYSTEM_FINGERPRINT = "fp_skipstone_offline";

function callDeltas(call: PlannedCall, index: number, id: string): object[] {
  const first = { index, id, type: "function", function: { name: call.name, arguments: "" } };
  const pieces = call.argumentsText.match(new RegExp(`[\\s\\S]{1,${ARGUMENT_CHARS_PER_CHUNK}}`, "gu")) ?? [];
  const rest = pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] }));
  return [{ tool_calls: [first] }, ...rest];
}

/** A token is four characters of what came in, and one chunk of what goes out: stable, and near enough for a demo. */
function usageOf(request: ChatRequest, reply: Reply): object {
  const read = JSON.stringify(request.messages).length + JSON.stringify(request.tools).length;
  const written =
    reply.chunks.length + reply.calls.reduce((sum, call) => sum + Math.ceil(call.argumentsText.length / 4) + 1, 0);
  const prompt_tokens = Math.ceil(read / 4);
  return {
    prompt_tokens,
    completion_tokens: written,
    total_tokens: prompt_tokens + written,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function dataLine(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").replaceAll(/[-_]/g, "x").slice(0, 24);
}
