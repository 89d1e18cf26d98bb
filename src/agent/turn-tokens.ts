/**
 * What a turn's model calls have used, as its events tell it. A call that tells no usage, or was cut off, counts what it said and what the user asked, by
 * estimate; a call that said nothing counts nothing.
 */
import type { TurnEvent } from "../event/turn-event.ts";
import { estimateTokens } from "../memory/tokens.ts";
import type { ModelUsage } from "./model-port.ts";

export interface TokenCount {
  add(event: TurnEvent): void;
  /** Of a call that is no event. */
  addUsage(usage: ModelUsage | undefined): void;
  tokens(): number;
}

export function createTokenCount(userText: string): TokenCount {
  let counted = 0;
  /** Of the call under way, by estimate. */
  let said: number | undefined;

  function estimate(): number {
    return said === undefined || said === 0 ? 0 : said + estimateTokens(userText);
  }

  return {
    add(event) {
      if (event.type === "step-started") {
        counted += estimate();
        said = 0;
      } else if (event.type === "message-delta" && said !== undefined) {
        said += estimateTokens(event.text);
      } else if (event.type === "step-completed") {
        counted += event.usage === undefined ? estimate() : sum(event.usage);
        said = undefined;
      }
    },
    addUsage: (usage) => void (counted += usage === undefined ? 0 : sum(usage)),
    tokens: () => counted + estimate(),
  };
}

function sum({ inputTokens, outputTokens }: ModelUsage): number {
  return inputTokens + outputTokens;
}
