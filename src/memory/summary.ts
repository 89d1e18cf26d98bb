/**
 * What stands for the older part of a conversation. It is kept as an entry among the messages, so that it is read with them and written with them at no price.
 *
 * S1 Of several summaries the one that reaches furthest counts, of two that reach equally far the first. So a writer that was superseded changes nothing for the worse.
 * S2 A summary changes no message: those that it stands for are there, and are shown, until the list drops them.
 */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { foldMessages, type Message } from "./message.ts";

const summarySchema = z.object({
  type: z.literal("summary"),
  /** Id of the last message that it tells of, and that message's time in unix ms. */
  upTo: z.string(),
  upToAt: z.number(),
  text: z.string(),
});

export type Summary = Omit<z.infer<typeof summarySchema>, "type">;

/** A conversation as its turns and its readers know it. */
export interface ConversationMemory {
  /** Chronological. */
  readonly messages: readonly Message[];
  readonly summary: KeptSummary | undefined;
}

export interface KeptSummary extends Summary {
  /** True when the list will soon drop the entry: the next turn writes it once more. */
  readonly isFading: boolean;
}

export const emptyMemory: ConversationMemory = { messages: [], summary: undefined };

export function formatSummary({ upTo, upToAt, text }: Summary): string {
  return JSON.stringify({ type: "summary", upTo, upToAt, text });
}

/** Stored entries, oldest first. */
export function foldConversation(entries: readonly string[]): ConversationMemory {
  let summary: KeptSummary | undefined;
  for (const [index, entry] of entries.entries()) {
    const found = parseSummary(entry);
    if (found === undefined) continue;
    const isFading = entries.length - index > limits.summaryEntriesBehindMax;
    const isSame = summary !== undefined && found.upTo === summary.upTo;
    // A copy keeps the first one's words, and its own place.
    if (isSame) summary = { ...summary!, isFading };
    else if (summary === undefined || found.upToAt > summary.upToAt) summary = { ...found, isFading };
  }
  return { messages: foldMessages(entries), summary };
}

/** Messages that the summary does not tell of. */
export function messagesAfter(summary: Summary | undefined, messages: readonly Message[]): readonly Message[] {
  if (summary === undefined) return messages;
  const index = messages.findIndex(({ id }) => id === summary.upTo);
  if (index >= 0) return messages.slice(index + 1);
  // The list has dropped it, or it was answered anew.
  return messages.filter(({ metadata }) => metadata.at > summary.upToAt);
}

function parseSummary(entry: string): Summary | undefined {
  if (!entry.startsWith('{"type":"summary"')) return undefined;
  try {
    const { upTo, upToAt, text } = summarySchema.parse(JSON.parse(entry));
    return { upTo, upToAt, text };
  } catch {
    return undefined;
  }
}
