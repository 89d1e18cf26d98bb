/** When the older part of a conversation is to be summarised, and which part that is. */
import type { Message } from "./message.ts";
import { newestWithin } from "./context.ts";
import { messagesAfter, type Summary } from "./summary.ts";
import { estimateTokens, messageTokens } from "./tokens.ts";

export interface Compaction {
  /** The messages to summarise, chronological; what the earlier summary tells of is not among them. */
  readonly messages: readonly Message[];
  /** The last of them. */
  readonly upTo: string;
  readonly upToAt: number;
  /** True when not all fits any more: the summary is needed for this answer. Else it is for the next ones. */
  readonly isUrgent: boolean;
}

/** Before the budget is used up, so that the summary can be made beside an answer and nobody waits for it. */
const compactAt = 3 / 4;
/** What stays as it is. */
const keepShare = 1 / 4;

/** `undefined` while the conversation fits well. */
export function planCompaction(o: {
  readonly messages: readonly Message[];
  readonly summary: Summary | undefined;
  readonly budgetTokens: number;
}): Compaction | undefined {
  const { summary } = o;
  const budgetTokens = o.budgetTokens - (summary === undefined ? 0 : estimateTokens(summary.text) + messageTokens);
  const live = messagesAfter(summary, o.messages);
  if (newestWithin(live, budgetTokens * compactAt).isWhole) return undefined;
  const older = live.slice(0, cutOf(live, budgetTokens * keepShare));
  const last = older.at(-1);
  if (last === undefined) return undefined;
  const isUrgent = !newestWithin(live, budgetTokens).isWhole;
  return { messages: older, upTo: last.id, upToAt: last.metadata.at, isUrgent };
}

/** Where the part begins that stays: within its share, and with a message of the user. */
function cutOf(live: readonly Message[], tokensMax: number): number {
  const kept = newestWithin(live, tokensMax);
  const whole = kept.isWhole ? kept.messages.length : kept.messages.filter((message) => live.includes(message)).length;
  const from = live.length - whole;
  const user = live.findIndex(({ role }, index) => index >= from && role === "user");
  return user < 0 ? live.length : user;
}
