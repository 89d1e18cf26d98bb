/**
 * What a stated load asks of the plans, and what it costs; with what the app does by itself: its sweep each minute, and its look for alerts.
 * Prices are list prices of the date below, in US dollars.
 */
import { readFileSync } from "node:fs";
import type { Config } from "../../src/config.ts";
import { ok, wrong, type Finding } from "../environment/finding.ts";

export interface Load {
  readonly turnsADay: number;
  readonly runsADay: number;
}

/** Source: upstash.com/pricing and developers.cloudflare.com/workers/platform/pricing, November 2026. */
export const prices = {
  date: "November 2026",
  redisCommand: 0.2 / 100_000,
  qstashMessage: 1 / 100_000,
  workersPaidAMonth: 5,
  workersRequest: 0.3 / 1_000_000,
  workersRequestsIncluded: 10_000_000,
} as const;

const freePlans = { redisCommandsAMonth: 500_000, qstashMessagesADay: 1_000, workersRequestsADay: 100_000 } as const;

interface Use {
  /** Of Redis, as they are billed. */
  readonly commands: number;
  /** Of QStash. */
  readonly messages: number;
  /** Of the Worker; a firing of its cron trigger is one. */
  readonly requests: number;
}

/** What each route costs; `contract/costs.test.ts` measures it. */
const costs = JSON.parse(readFileSync(new URL("../../bench/costs.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Omit<Use, "requests">>
>;

/** Without tools; the answer is written in two parts, and the page looks at the list of conversations after it. */
export const turnUse = useOf(["POST /api/chat", "GET /api/conversations"], { commands: 2 });
/** Of twenty steps, one of which waits; somebody looks at it twice. */
export const runUse = useOf(
  ["POST /api/execute", "POST /api/engine/execute-step", "GET /api/runs/:runId", "GET /api/runs/:runId"],
  { commands: 20, messages: 1 },
);
const sweepUse = useOf(["POST /api/engine/resume"]);
/** Held by `contract/alerts.test.ts`. */
export const alertLookCommands = 8;
/** What a turn asks of the model, with the conversation before it. */
const turnTokens = { input: 2_000, output: 300 } as const;

const daysAMonth = 30;
const sweepsADay = 24 * 60;
/** The sweep looks every five minutes. */
const alertLooksADay = sweepsADay / 5;

export function forecast(
  load: Load,
  config: Pick<Config, "workersPlan" | "modelPrices"> & { readonly model: { readonly name: string } },
): readonly Finding[] {
  const { turnsADay, runsADay } = load;
  const ofSweep = daysAMonth * (sweepsADay * sweepUse.commands + alertLooksADay * alertLookCommands);
  const commands = ofSweep + daysAMonth * (turnsADay * turnUse.commands + runsADay * runUse.commands);
  const messagesADay = turnsADay * turnUse.messages + runsADay * runUse.messages;
  const requestsADay = turnsADay * turnUse.requests + runsADay * runUse.requests + sweepsADay * sweepUse.requests;
  return [
    fits(
      `Redis: ${count(commands)} commands a month, ${count(ofSweep)} of them of the sweep and its look for alerts;`,
      commands <= freePlans.redisCommandsAMonth,
      freePlans.redisCommandsAMonth,
      commands * prices.redisCommand,
    ),
    fits(
      `QStash: ${count(messagesADay)} messages a day;`,
      messagesADay <= freePlans.qstashMessagesADay,
      freePlans.qstashMessagesADay,
      messagesADay * daysAMonth * prices.qstashMessage,
    ),
    workers(requestsADay, config.workersPlan),
    model(turnsADay * daysAMonth, config.modelPrices[config.model.name], config.model.name),
  ];
}

function useOf(routes: readonly string[], more: Partial<Use> = {}): Use {
  const sumOf = (what: "commands" | "messages"): number =>
    routes.reduce((sum, route) => sum + costs[route]![what], more[what] ?? 0);
  return { commands: sumOf("commands"), messages: sumOf("messages"), requests: routes.length };
}

function fits(words: string, isFree: boolean, freeMax: number, dollars: number): Finding {
  if (isFree) return ok(`${words} within the free plan's ${count(freeMax)}.`);
  return ok(
    `${words} more than the free plan's ${count(freeMax)}; about ${money(dollars)} a month when paid as you go.`,
  );
}

function workers(requestsADay: number, plan: "free" | "paid"): Finding {
  const words = `Workers: ${count(requestsADay)} requests a day, ${count(sweepsADay)} of them of the cron trigger;`;
  if (plan === "free") {
    if (requestsADay <= freePlans.workersRequestsADay) return ok(`${words} within the free plan.`);
    return wrong(
      `${words} the free plan ends at ${count(freePlans.workersRequestsADay)}.`,
      "npm run deploy -- --env paid, and the line WORKERS_PLAN=paid in .dev.vars",
    );
  }
  const extra = Math.max(0, requestsADay * daysAMonth - prices.workersRequestsIncluded);
  return ok(
    `${words} about ${money(prices.workersPaidAMonth + extra * prices.workersRequest)} a month on the paid plan.`,
  );
}

/** A model may have no price: then it is free, or nobody has said what it costs. */
function model(turns: number, price: Config["modelPrices"][string] | undefined, name: string): Finding {
  const tokens = { input: turns * turnTokens.input, output: turns * turnTokens.output };
  const words = `Model: ${count(tokens.input)} tokens in and ${count(tokens.output)} out a month, by ${count(turnTokens.input)} and ${count(turnTokens.output)} a turn;`;
  if (price === undefined) return ok(`${words} MODEL_PRICES has no price of ${name}.`);
  return ok(
    `${words} about ${money((tokens.input * price.input + tokens.output * price.output) / 1e6)} a month by MODEL_PRICES.`,
  );
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function money(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}
