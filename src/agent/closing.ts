import { limits } from "../core/limits.ts";
import type { Closing } from "../event/event-log.ts";
import type { UserText } from "../event/turn-event.ts";
import { userMessage, type AnswerState, type Message, type MessagePart } from "../memory/message.ts";
import { formatSummary, type Summary } from "../memory/summary.ts";
import { answerMessage } from "./turn-state.ts";

export interface FinishedTurn {
  readonly messageId: string;
  readonly userMessage: UserText;
  /** What memory held when the turn was admitted. */
  readonly stored: readonly Message[];
  readonly parts: readonly MessagePart[];
  /** To be kept: one that the turn has made, or one that the list would soon drop. */
  readonly summary: Summary | undefined;
  readonly isEventListNew: boolean;
  readonly tokens?: Closing["tokens"];
  /** Unix ms. */
  readonly at: number;
}

/** What a turn leaves in memory. An answer without any content is left out; its question stays. */
export function closingOf(turn: FinishedTurn, state: AnswerState): Closing {
  const { stored, at } = turn;
  const isRepeated = stored.some((message) => message.id === turn.userMessage.id);
  const question = userMessage(turn.userMessage.id, turn.userMessage.text, at);
  const answer = answerMessage(turn, state, at);
  const hasContent = answer.parts.some((part) => part.type !== "step-start");
  const messages = [...(isRepeated ? [] : [question]), ...(hasContent ? [answer] : [])];
  const summaries = turn.summary === undefined ? [] : [formatSummary(turn.summary)];
  const previousAt = stored.at(-1)?.metadata.at;
  return {
    messages: [...summaries, ...messages.map((message) => JSON.stringify(message))],
    isFirst: stored.length === 0,
    isEventListNew: turn.isEventListNew,
    messageCount: stored.length,
    ...(turn.tokens === undefined || turn.tokens.spent === 0 ? {} : { tokens: turn.tokens }),
    ...(previousAt === undefined ? {} : { previousAt }),
    ...(stored.length === 0 ? { title: titleOf(turn.userMessage.text) } : {}),
  };
}

function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= limits.conversationTitleCharsMax
    ? line
    : `${line.slice(0, limits.conversationTitleCharsMax - 1)}…`;
}
