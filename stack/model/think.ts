/**
 * What the offline model answers: no language model, a few rules, the same answer to the same request.
 *
 * A turn may take several calls. Intents are read from the last user message; those that a tool call since then already
 * served are done, the others are called (all at once, or one by one with `parallel_tool_calls: false`), and when none is
 * left the results are put into words.
 */
import type { ChatMessage, ChatRequest } from "./chat-request.ts";
import { callFor, callWith, mayCall } from "./choose-tools.ts";
import { intentsOf } from "./intents.ts";
import { namedToolCall } from "./named-tool.ts";
import { textReply, toolReply } from "./reply.ts";
import type { PlannedCall, Reply } from "./reply.ts";
import { sampleJson } from "./sample-json.ts";
import { sayResults } from "./say-results.ts";
import type { AnsweredCall } from "./say-results.ts";
import { smallTalk } from "./small-talk.ts";
import { summaryText } from "./sum-up.ts";
import { planText } from "./write-plan.ts";

/** The reply to a request that has been checked. Pure. */
export function think(request: ChatRequest): Reply {
  const agentText = planText(request) ?? summaryText(request);
  if (agentText !== undefined) return textReply(agentText);
  const asked = lastUserText(request.messages);
  const done = answeredCalls(request.messages);
  const missing = wantedCalls(request, asked).filter((call) => !done.some((other) => isSame(call, other)));
  if (missing.length > 0) return toolReply(request.mayCallInParallel ? missing : missing.slice(0, 1));
  if (request.jsonSchema !== undefined) {
    return textReply(JSON.stringify(sampleJson(request.jsonSchema, { text: asked })));
  }
  if (done.length > 0) return textReply(sayResults(done));
  return textReply(smallTalk(asked, request));
}

function wantedCalls(request: ChatRequest, asked: string): PlannedCall[] {
  const named = namedToolCall(asked, mayCall(request));
  const calls = named === undefined ? intentsOf(asked).map((intent) => callFor(intent, request)) : [named];
  const found = calls.filter((call) => call !== undefined);
  const mustCall = request.toolChoice === "required" || typeof request.toolChoice === "object";
  const hasCalled = answeredCalls(request.messages).length > 0;
  const fallback = mayCall(request)[0];
  if (found.length > 0 || !mustCall || hasCalled || fallback === undefined) return found;
  return [callWith(fallback, {}, asked)];
}

function lastUserText(messages: ChatMessage[]): string {
  return messages.findLast((message) => message.role === "user")?.text ?? "";
}

/** The tool calls since the last user message, with the results that came back. */
function answeredCalls(messages: ChatMessage[]): AnsweredCall[] {
  const since = messages.findLastIndex((message) => message.role === "user");
  const recent = messages.slice(since + 1);
  return recent
    .flatMap((message) => message.toolCalls)
    .map(({ id, name, argumentsText }) => ({
      name,
      argumentsText,
      resultText: recent.find((message) => message.toolCallId === id)?.text ?? "",
    }));
}

/** Callers may send arguments back with their keys in another order or other spaces. */
function isSame(call: PlannedCall, other: PlannedCall): boolean {
  return call.name === other.name && canonical(call.argumentsText) === canonical(other.argumentsText);
}

function canonical(json: string): string {
  try {
    const value = JSON.parse(json) as unknown;
    if (typeof value !== "object" || value === null) return json;
    return JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  } catch {
    return json;
  }
}
