/**
 * What the platform charges, in US dollars. Prices of models come with the configuration (`MODEL_PRICES`).
 *
 * Sources: https://upstash.com/pricing/redis and https://upstash.com/pricing/qstash, pay as you go, read on the date below. Free and fixed plans cost
 * less or nothing: a receipt says what the same would cost without them. Traffic and storage are not in it.
 */
const prices = {
  /** ISO date. */
  asOf: "2026-08-21",
  redisCommandUsd: 0.2 / 100_000,
  /** Each delivery attempt is a message. */
  queueMessageUsd: 1 / 100_000,
} as const;

export interface Money {
  readonly redisUsd: number;
  readonly queueUsd: number;
  readonly modelUsd: number;
  readonly totalUsd: number;
  /** Date of the prices of Redis and the queue. */
  readonly pricesAsOf: string;
}

export function moneyFor(spent: {
  readonly commands: number;
  readonly messages: number;
  readonly modelUsd: number;
}): Money {
  const redisUsd = dollars(spent.commands * prices.redisCommandUsd);
  const queueUsd = dollars(spent.messages * prices.queueMessageUsd);
  const modelUsd = dollars(spent.modelUsd);
  return { redisUsd, queueUsd, modelUsd, totalUsd: dollars(redisUsd + queueUsd + modelUsd), pricesAsOf: prices.asOf };
}

/** Ten decimals: what is beyond is noise of binary fractions. */
function dollars(amount: number): number {
  return Math.round(amount * 1e10) / 1e10;
}
