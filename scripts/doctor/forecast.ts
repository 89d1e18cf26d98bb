/** What a stated load asks of the plans, and what it costs. Prices are list prices of the date below, in US dollars. */
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

/** Billed by a chat turn without tools, and by a run of twenty steps (DESIGN: numbers to reach; the bench measures them). */
const turn = { commands: 18, messages: 1, requests: 3 } as const;
const run = { commands: 30, messages: 1, requests: 4 } as const;
const daysAMonth = 30;

export function forecast(load: Load, workersPlan: "free" | "paid"): readonly Finding[] {
  const commands = daysAMonth * (load.turnsADay * turn.commands + load.runsADay * run.commands);
  const messagesADay = load.turnsADay * turn.messages + load.runsADay * run.messages;
  const requestsADay = load.turnsADay * turn.requests + load.runsADay * run.requests;
  return [
    fits("Redis", commands, freePlans.redisCommandsAMonth, "commands a month", commands * prices.redisCommand),
    fits(
      "QStash",
      messagesADay,
      freePlans.qstashMessagesADay,
      "messages a day",
      messagesADay * daysAMonth * prices.qstashMessage,
    ),
    workers(requestsADay, workersPlan),
  ];
}

function fits(name: string, needed: number, freeMax: number, unit: string, dollars: number): Finding {
  const words = `${name}: ${count(needed)} ${unit};`;
  if (needed <= freeMax) return ok(`${words} within the free plan's ${count(freeMax)}.`);
  return ok(
    `${words} more than the free plan's ${count(freeMax)}; about ${money(dollars)} a month when paid as you go.`,
  );
}

function workers(requestsADay: number, plan: "free" | "paid"): Finding {
  const words = `Workers: ${count(requestsADay)} requests a day;`;
  if (plan === "free") {
    if (requestsADay <= freePlans.workersRequestsADay) return ok(`${words} within the free plan.`);
    return wrong(
      `${words} the free plan ends at ${count(freePlans.workersRequestsADay)}.`,
      "use the paid plan and set WORKERS_PLAN=paid",
    );
  }
  const extra = Math.max(0, requestsADay * daysAMonth - prices.workersRequestsIncluded);
  return ok(
    `${words} about ${money(prices.workersPaidAMonth + extra * prices.workersRequest)} a month on the paid plan.`,
  );
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function money(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}
