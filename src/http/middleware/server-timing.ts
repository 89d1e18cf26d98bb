import { createMiddleware } from "hono/factory";
import type { Meter } from "../../core/meter.ts";
import { moneyFor } from "../../core/prices.ts";
import type { AppEnv } from "../app-env.ts";

/**
 * Tells in `Server-Timing` what the request has cost by the time its head leaves. Of a stream that is the beginning: its last line says the rest, see
 * `receiptFrame`. Must stand behind what sets the wire.
 */
export function serverTiming() {
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    c.header("Server-Timing", timingOf(c.get("wire").meter));
  });
}

/** Source: https://www.w3.org/TR/server-timing/. Counts stand in the descriptions, since `dur` is a time. */
function timingOf(meter: Meter): string {
  const { commands, roundTrips, messages, subrequests, inputTokens, outputTokens } = meter;
  return [
    `redis;desc="${commands} commands in ${roundTrips} round trips"`,
    `queue;desc="${messages} messages"`,
    `subrequests;desc="${subrequests}"`,
    `model;desc="${inputTokens} tokens in, ${outputTokens} out"`,
    `money;desc="$${moneyFor(meter).totalUsd.toFixed(8)}"`,
  ].join(", ");
}

/** The last line of an event stream, a comment which its readers skip: what all of the request has cost. */
export function receiptFrame(meter: Meter): string {
  const { parsedBytes: _notBilled, modelUsd: _inMoney, ...counts } = meter;
  return `: receipt ${JSON.stringify({ ...counts, money: moneyFor(meter) })}\n\n`;
}
