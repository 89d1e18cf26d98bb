import { limits } from "../../core/limits.ts";
import { buildContext } from "../../memory/context.ts";
import { textOf } from "../../memory/message.ts";
import type { ConversationMemory } from "../../memory/summary.ts";
import type { KnownFact } from "./agent-services.ts";

/**
 * What was said in the conversation before a run, as one more thing that its agent knows; `undefined` when nothing was. The newest that fits, what is older by its summary.
 * @param goal stands last in the conversation already: whoever starts a run says it there.
 */
export function conversationSoFar({ messages, summary }: ConversationMemory, goal: string): KnownFact | undefined {
  const last = messages.at(-1);
  const before = last?.role === "user" && textOf(last) === goal ? messages.slice(0, -1) : messages;
  const told = buildContext({ messages: before, summary, budgetTokens: limits.agentConversationTokens });
  const said = told.messages.map((message) => ({ role: message.role, text: textOf(message).trim() }));
  const lines = [
    ...(told.summary === undefined ? [] : [`summary of what is older: ${told.summary}`]),
    ...said.flatMap(({ role, text }) => (text === "" ? [] : [`${role}: ${text}`])),
  ];
  return lines.length === 0 ? undefined : { key: "conversation-so-far", value: lines.join("\n") };
}
