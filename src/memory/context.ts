/**
 * What a model is told of a conversation: as much as fits into a budget of tokens.
 *
 * X1 The budget is kept, by the estimate of `tokens.ts`.
 * X2 What is told of the messages is their end, without a gap: the newest first, until the next one does not fit.
 * X3 A tool call stands with its result, or neither does: what is told begins with a message, or with a step of an answer.
 * X4 The same input gives the same context.
 */
import type { JsonValue } from "../core/json.ts";
import type { Message, MessagePart } from "./message.ts";
import { messagesAfter, type Summary } from "./summary.ts";
import { estimateTokens, isOver, messageTokens } from "./tokens.ts";

export interface KnownThing {
  readonly key: string;
  readonly value: JsonValue;
}

export interface ContextRequest {
  /** Chronological. */
  readonly messages: readonly Message[];
  readonly summary?: Summary | undefined;
  /** The most helpful first. */
  readonly knowledge?: readonly KnownThing[];
  /** For everything together. */
  readonly budgetTokens: number;
}

export interface Context {
  readonly summary: string | undefined;
  readonly knowledge: readonly KnownThing[];
  /** Chronological; the first one may be the end of an answer. */
  readonly messages: readonly Message[];
  /** Estimated. */
  readonly tokens: number;
  /** False when something was left out that the summary does not tell of. */
  readonly isWhole: boolean;
}

/** Of the budget, at most. What a share does not use, the messages get. */
const summaryShare = 1 / 4;
const knowledgeShare = 1 / 4;

export function buildContext({ messages, summary, knowledge = [], budgetTokens }: ContextRequest): Context {
  const told = summaryWithin(summary, budgetTokens * summaryShare);
  const known = knowledgeWithin(knowledge, budgetTokens * knowledgeShare);
  const before = told.tokens + known.tokens;
  const recent = messagesAfter(told.text === undefined ? undefined : summary, messages);
  const kept = newestWithin(recent, Math.max(0, budgetTokens - before));
  return {
    summary: told.text,
    knowledge: known.things,
    messages: kept.messages,
    tokens: before + kept.tokens,
    isWhole: kept.isWhole,
  };
}

function summaryWithin(summary: Summary | undefined, tokensMax: number): { text: string | undefined; tokens: number } {
  if (summary === undefined || isOver(summary.text, tokensMax - messageTokens)) return { text: undefined, tokens: 0 };
  return { text: summary.text, tokens: estimateTokens(summary.text) + messageTokens };
}

/** One that is too large for what is left makes room for smaller ones behind it. */
function knowledgeWithin(
  knowledge: readonly KnownThing[],
  tokensMax: number,
): { things: KnownThing[]; tokens: number } {
  const things: KnownThing[] = [];
  let tokens = 0;
  for (const thing of knowledge) {
    const cost = estimateTokens(JSON.stringify(thing)) + 1;
    if (tokens + cost > tokensMax) continue;
    tokens += cost;
    things.push(thing);
  }
  return { things, tokens };
}

/** The end of the messages. */
export function newestWithin(
  messages: readonly Message[],
  tokensMax: number,
): { messages: Message[]; tokens: number; isWhole: boolean } {
  const kept: Message[] = [];
  let tokens = 0;
  for (const message of messages.toReversed()) {
    const end = endWithin(message, tokensMax - tokens);
    tokens += end.tokens;
    if (end.message !== undefined) kept.unshift(end.message);
    if (!end.isWhole) return { messages: kept, tokens, isWhole: false };
  }
  return { messages: kept, tokens, isWhole: true };
}

/** As many steps from the end of a message as fit. */
function endWithin(
  message: Message,
  tokensMax: number,
): { message: Message | undefined; tokens: number; isWhole: boolean } {
  const steps = stepsOf(message.parts);
  let tokens = 0;
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const cost = tokensOfStep(steps[index]!, tokensMax - tokens);
    if (cost === undefined) {
      const parts = steps.slice(index + 1).flat();
      return { message: parts.length === 0 ? undefined : { ...message, parts }, tokens, isWhole: false };
    }
    tokens += cost;
  }
  return { message, tokens, isWhole: true };
}

/** A step is the model's words and the calls that came with them, each with its result. */
function stepsOf(parts: readonly MessagePart[]): MessagePart[][] {
  const steps: MessagePart[][] = [];
  for (const part of parts) {
    if (part.type === "step-start" || steps.length === 0) steps.push([]);
    steps.at(-1)?.push(part);
  }
  return steps;
}

/** `undefined` when it is more than `tokensMax`. */
function tokensOfStep(step: readonly MessagePart[], tokensMax: number): number | undefined {
  let tokens = messageTokens;
  for (const part of step) {
    for (const text of textsOf(part)) {
      if (isOver(text, tokensMax - tokens)) return undefined;
      tokens += estimateTokens(text);
    }
    if ("toolCallId" in part) tokens += messageTokens;
  }
  return tokens <= tokensMax ? tokens : undefined;
}

/** What the model reads of a part. */
function textsOf(part: MessagePart): string[] {
  if (part.type === "text") return [(part as { text: string }).text];
  if (!("toolCallId" in part)) return [];
  const result =
    part.state === "output-available"
      ? JSON.stringify(part.output ?? null)
      : part.state === "output-error"
        ? part.errorText
        : (part.approval.reason ?? "");
  return [part.type, part.toolCallId, JSON.stringify(part.input ?? {}), result];
}
