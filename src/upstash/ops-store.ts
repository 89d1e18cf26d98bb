/** What is counted over all isolates, and the incidents that are open. Nothing of any user's. */
import type { Log } from "../core/ports.ts";
import type { Tally } from "../core/tally.ts";
import { parseJson } from "../core/json.ts";
import { alertRules, type AlertRule, type Incident, type Readings } from "../ops/alert-rules.ts";
import { parkedPlace } from "../engine/parked-runs.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { dueRunsKey, dueTurnsKey, failuresKey, incidentsKey, outboxKey, refusalsKey, spendKey } from "./keys.ts";
import { readInteger, readPairs, readText } from "./reply.ts";
import { runOne } from "./run-one.ts";

const minuteMs = 60_000;
/** The running minute and the ten before it. */
const failureMinutes = 11;
const failuresTtlSeconds = 15 * 60;
const dayTtlSeconds = 3 * 24 * 60 * 60;

export interface Gauges {
  readonly dueRuns: number;
  readonly overdueRuns: number;
  readonly parkedRuns: number;
  readonly dueTurns: number;
  readonly outboxMessages: number;
  readonly failures: number;
  readonly refusals: number;
  readonly spendUsd: number;
}

const readCount = (reply: unknown): number => Number(readText(reply) ?? 0);
const readSum = (reply: unknown): number => (reply as unknown[]).reduce<number>((sum, one) => sum + readCount(one), 0);
const failuresOf = (nowMs: number): string => failuresKey(Math.floor(nowMs / minuteMs));
const dayOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 10);
const refusalsOf = (nowMs: number): string => refusalsKey(dayOf(nowMs));
const spendOf = (nowMs: number): string => spendKey(dayOf(nowMs));

/**
 * Adds what the isolate has not sent yet. 2 billed commands for each of the three sums; what does not arrive is sent with the next, so that an outage counts
 * what it has made fail. Where only the answer was lost it counts twice.
 */
export async function sendTally(redis: RedisClient, tally: Tally, nowMs: number): Promise<void> {
  const { pendingFailures, pendingRefusals } = tally;
  // What is less than a millionth of a dollar waits for more: a call that embeds may cost less.
  const pendingMicroUsd = Math.floor(tally.pendingMicroUsd);
  tally.pendingFailures = 0;
  tally.pendingRefusals = 0;
  tally.pendingMicroUsd -= pendingMicroUsd;
  tally.lastSentAtMs = nowMs;
  try {
    await redis.run((batch) => {
      addSum(batch, failuresOf(nowMs), pendingFailures, failuresTtlSeconds);
      addSum(batch, refusalsOf(nowMs), pendingRefusals, dayTtlSeconds);
      addSum(batch, spendOf(nowMs), pendingMicroUsd, dayTtlSeconds);
    });
  } catch (error) {
    tally.pendingFailures += pendingFailures;
    tally.pendingRefusals += pendingRefusals;
    tally.pendingMicroUsd += pendingMicroUsd;
    throw error;
  }
}

function addSum(batch: Batch, key: string, sum: number, ttlSeconds: number): void {
  if (sum === 0) return;
  void batch.add(["INCRBY", key, sum], readInteger);
  void batch.add(["EXPIRE", key, ttlSeconds], readInteger);
}

/** 1 round trip, 7 billed commands. */
export async function readGauges(redis: RedisClient, nowMs: number): Promise<Gauges> {
  return runOne(redis, (batch) => gaugesPart(batch, nowMs));
}

/** As part of a larger batch; settles after it. */
function gaugesPart(batch: Batch, nowMs: number): Promise<Gauges> {
  const failedIn = Array.from({ length: failureMinutes }, (_, before) => failuresOf(nowMs - before * minuteMs));
  const gauges = Promise.all([
    batch.add(["ZCARD", dueRunsKey], readInteger),
    batch.add(["ZCOUNT", dueRunsKey, "-inf", nowMs], readInteger),
    batch.add(["ZCOUNT", dueRunsKey, parkedPlace(0), "+inf"], readInteger),
    batch.add(["ZCARD", dueTurnsKey], readInteger),
    batch.add(["HLEN", outboxKey], readInteger),
    batch.add(["MGET", ...failedIn], readSum),
    batch.add(["MGET", refusalsOf(nowMs), spendOf(nowMs)], (reply) => (reply as unknown[]).map(readCount)),
  ]).then(
    ([all, overdueRuns, parkedRuns, dueTurns, outboxMessages, failures, [refusals = 0, microUsd = 0]]): Gauges => ({
      dueRuns: all - parkedRuns,
      overdueRuns,
      parkedRuns,
      dueTurns,
      outboxMessages,
      failures,
      refusals,
      spendUsd: microUsd / 1e6,
    }),
  );
  // As with every command of a batch: the failure of the whole trip is thrown by `run`.
  gauges.catch(() => {});
  return gauges;
}

/** What a look at the alerts begins with. 1 round trip, 8 billed commands. */
export async function readLook(
  redis: RedisClient,
  { nowMs, log }: { readonly nowMs: number; readonly log: Log },
): Promise<{ readonly gauges: Gauges; readonly open: readonly Incident[] }> {
  let incidents: Promise<ReadonlyMap<string, string>> | undefined;
  const gauges = await runOne(redis, (batch) => {
    incidents = batch.add(["HGETALL", incidentsKey], readPairs);
    return gaugesPart(batch, nowMs);
  });
  const texts = (await incidents)!;
  const open = alertRules.flatMap((rule) => {
    const text = texts.get(rule);
    return text === undefined ? [] : readIncident(rule, text, log);
  });
  return { gauges, open };
}

/** Nothing for what is no incident: a look that it failed would tell of no other. */
function readIncident(rule: AlertRule, text: string, log: Log): [] | [Incident] {
  const { openedAt, value, isTold } = (parseJson(text) ?? {}) as Partial<Record<keyof Incident, unknown>>;
  if (Number.isSafeInteger(openedAt) && typeof value === "number" && typeof isTold === "boolean") {
    return [{ rule, openedAt: openedAt as number, value, isTold }];
  }
  log.error("an incident that is kept cannot be read; it counts as none", { rule });
  return [];
}

export function upstashIncidents(redis: RedisClient) {
  return {
    async keep({ rule, ...incident }: Incident): Promise<void> {
      await redis.command(["HSET", incidentsKey, rule, JSON.stringify(incident)], readInteger);
    },
    async forget({ rule }: Pick<Incident, "rule">): Promise<void> {
      await redis.command(["HDEL", incidentsKey, rule], readInteger);
    },
  };
}

/** What the rules look at; dead letters are the queue's to count. */
export function readingsOf({ parkedRuns, failures, spendUsd }: Gauges, deadLetters: number | undefined): Readings {
  return { parkedRuns, failures, spendUsd, ...(deadLetters === undefined ? {} : { deadLetters }) };
}
