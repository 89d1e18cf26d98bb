import type { Spending } from "./journal-entry.ts";

export const nothingSpent: Spending = { commands: 0, roundTrips: 0, messages: 0, subrequests: 0, wallMs: 0 };

export function addSpending(a: Spending, b: Spending): Spending {
  return {
    commands: a.commands + b.commands,
    roundTrips: a.roundTrips + b.roundTrips,
    messages: a.messages + b.messages,
    subrequests: a.subrequests + b.subrequests,
    wallMs: a.wallMs + b.wallMs,
    inputTokens: (a.inputTokens ?? 0) + (b.inputTokens ?? 0),
    outputTokens: (a.outputTokens ?? 0) + (b.outputTokens ?? 0),
    modelUsd: (a.modelUsd ?? 0) + (b.modelUsd ?? 0),
  };
}
