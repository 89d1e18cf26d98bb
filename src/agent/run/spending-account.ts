/**
 * What a run has spent, and whether it may go on. Fed from journaled results alone, so that it is the same whenever the code is run again.
 */
import { dayOf } from "../../limit/token-budget.ts";
import type { ModelUsage } from "../model-port.ts";
import { defaultRunLimits, type RunLimits } from "./agent.ts";

/** `day-tokens`: what the user may spend in a day, by all their turns and runs. */
export type LimitName = "steps" | "tokens" | "day-tokens" | "money" | "time";

/** US dollars for a million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
}

export interface AccountReading {
  readonly steps: number;
  readonly tokens: number;
  readonly moneyUsd: number;
}

export interface SpendingAccount {
  addModelCall(
    usage: ModelUsage | undefined,
    text: { readonly inputChars: number; readonly outputChars: number },
  ): void;
  /** What the user's day has left after a model call; `undefined` where nobody counts it. */
  noteDay(tokensLeft: number | undefined, nowMs: number): void;
  addStep(): void;
  /** The limit that is reached, or `undefined`. */
  reached(nowMs: number): LimitName | undefined;
  read(): AccountReading;
}

/** Where a provider tells no usage: four characters a token, as is usual for English; an estimate, and on the low side for other scripts. */
const charsPerToken = 4;
const minuteMs = 60_000;

export function createSpendingAccount(o: {
  readonly limits: RunLimits | undefined;
  readonly price: ModelPrice;
  readonly startedAtMs: number;
}): SpendingAccount {
  const {
    steps: stepsMax = defaultRunLimits.steps,
    tokens: tokensMax = defaultRunLimits.tokens,
    moneyUsd: moneyUsdMax = defaultRunLimits.moneyUsd,
    minutes: minutesMax = defaultRunLimits.minutes,
  } = o.limits ?? {};
  let steps = 0;
  let tokens = 0;
  let moneyUsd = 0;
  let spentDay: string | undefined;
  return {
    addModelCall(usage, { inputChars, outputChars }) {
      const input = usage?.inputTokens ?? Math.ceil(inputChars / charsPerToken);
      const output = usage?.outputTokens ?? Math.ceil(outputChars / charsPerToken);
      tokens += input + output;
      moneyUsd += (input * o.price.input + output * o.price.output) / 1_000_000;
    },
    noteDay(tokensLeft, nowMs) {
      if (tokensLeft !== undefined) spentDay = tokensLeft > 0 ? undefined : dayOf(nowMs);
    },
    addStep: () => void (steps += 1),
    reached(nowMs) {
      if (steps >= stepsMax) return "steps";
      if (tokens >= tokensMax) return "tokens";
      if (moneyUsd >= moneyUsdMax) return "money";
      if (spentDay === dayOf(nowMs)) return "day-tokens";
      return nowMs - o.startedAtMs >= minutesMax * minuteMs ? "time" : undefined;
    },
    read: () => ({ steps, tokens, moneyUsd: Math.round(moneyUsd * 1_000_000) / 1_000_000 }),
  };
}

/** Words for a limit, after "at its limit in". */
export function limitWords(limit: LimitName): string {
  return limit === "day-tokens" ? "model tokens of the day; a new day begins at midnight UTC" : limit;
}
