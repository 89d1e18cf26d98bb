import type { Meter } from "./meter.ts";

/** What one isolate has counted since it began. Numbers only grow; what is to be added up over all isolates waits in `pending` until it is sent. */
export interface Tally {
  /** Requests by method, route and class of status. */
  readonly requests: Map<string, number>;
  /** Decisions of the limiters, by limiter and decision. */
  readonly decisions: Map<string, number>;
  readonly startedAtMs: number;
  /** Not sent yet. */
  pendingFailures: number;
  pendingRefusals: number;
  pendingMicroUsd: number;
  inputTokens: number;
  outputTokens: number;
  microUsd: number;
  readonly redis: RedisTally;
  lastSentAtMs: number;
}

export interface RedisTally {
  /** Billed ones, those inside of scripts included. */
  commands: number;
  roundTrips: number;
  /** Round trips without an answer that could be read. */
  failures: number;
  /** What round trips took, all together. */
  waitedMs: number;
}

const seriesMax = 1_000;

function createTally(nowMs: number): Tally {
  return {
    requests: new Map(),
    decisions: new Map(),
    startedAtMs: nowMs,
    pendingFailures: 0,
    pendingRefusals: 0,
    pendingMicroUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    microUsd: 0,
    redis: { commands: 0, roundTrips: 0, failures: 0, waitedMs: 0 },
    lastSentAtMs: 0,
  };
}

export function countRequest(
  tally: Tally,
  o: { readonly method: string; readonly route: string; readonly status: number },
): void {
  add(tally.requests, [o.method, o.route, `${Math.floor(o.status / 100)}xx`]);
  if (o.status >= 500) tally.pendingFailures += 1;
}

/** `uncounted` where nobody could be asked, and the limiter lets through then. */
export function countDecision(tally: Tally, limiter: string, decision: "allowed" | "refused" | "uncounted"): void {
  add(tally.decisions, [limiter, decision]);
  if (decision === "refused") tally.pendingRefusals += 1;
}

function add(series: Map<string, number>, labels: readonly string[]): void {
  const key = JSON.stringify(labels);
  if (series.size < seriesMax || series.has(key)) series.set(key, (series.get(key) ?? 0) + 1);
}

/** What a model says that it has read and written: on the invocation's meter and in the isolate's sums. */
export function countTokens(
  { meter, tally }: { readonly meter: Meter; readonly tally: Tally },
  usage: { readonly inputTokens: number; readonly outputTokens: number },
  price: { readonly input: number; readonly output: number },
): void {
  for (const counted of [meter, tally]) {
    counted.inputTokens += usage.inputTokens;
    counted.outputTokens += usage.outputTokens;
  }
  // Dollars for a million tokens are millionths of a dollar for one.
  const microUsd = usage.inputTokens * price.input + usage.outputTokens * price.output;
  meter.modelUsd += microUsd / 1_000_000;
  tally.microUsd += microUsd;
  tally.pendingMicroUsd += microUsd;
}

const tallies = new WeakMap<object, Tally>();

/** The isolate's, which has one environment. */
export function tallyOf(env: object, nowMs: number): Tally {
  const known = tallies.get(env) ?? createTally(nowMs);
  tallies.set(env, known);
  return known;
}

/** Failures soon, refusals and money within a minute: each sending costs commands. */
export function isSendingDue(tally: Tally, nowMs: number): boolean {
  const quietMs = nowMs - tally.lastSentAtMs;
  const isMinuteOver = quietMs >= 60_000 && (tally.pendingMicroUsd >= 1 || tally.pendingRefusals > 0);
  return isMinuteOver || (tally.pendingFailures > 0 && quietMs >= 5_000);
}
