/** What is counted over all isolates, and the incidents that are open. Nothing of any user's. */
import type { Tally } from "../core/tally.ts";
import { alertRules, type Incident, type Readings } from "../ops/alert-rules.ts";
import { parkedPlace } from "../engine/parked-runs.ts";
import type { RedisClient } from "./batch.ts";
import { dueRunsKey, dueTurnsKey, failuresKey, incidentsKey, outboxKey, spendKey } from "./keys.ts";
import { readInteger, readPairs, readText } from "./reply.ts";

const minuteMs = 60_000;
/** The running minute and the ten before it. */
const failureMinutes = 11;
const failuresTtlSeconds = 15 * 60;
const spendTtlSeconds = 3 * 24 * 60 * 60;

export interface Gauges {
  readonly dueRuns: number;
  readonly overdueRuns: number;
  readonly parkedRuns: number;
  readonly dueTurns: number;
  readonly outboxMessages: number;
  readonly failures: number;
  readonly spendUsd: number;
}

const readCount = (reply: unknown): number => Number(readText(reply) ?? 0);
const readSum = (reply: unknown): number => (reply as unknown[]).reduce<number>((sum, one) => sum + readCount(one), 0);
const failuresOf = (nowMs: number): string => failuresKey(Math.floor(nowMs / minuteMs));
const spendOf = (nowMs: number): string => spendKey(new Date(nowMs).toISOString().slice(0, 10));

/** Adds what the isolate has not sent yet. 2 billed commands for each of the two sums; what is lost on the way is not sent again. */
export async function sendTally(redis: RedisClient, tally: Tally, nowMs: number): Promise<void> {
  const { pendingFailures, pendingMicroUsd } = tally;
  tally.pendingFailures = 0;
  tally.pendingMicroUsd = 0;
  tally.lastSentAtMs = nowMs;
  await redis.run((batch) => {
    if (pendingFailures > 0) {
      void batch.add(["INCRBY", failuresOf(nowMs), pendingFailures], readInteger);
      void batch.add(["EXPIRE", failuresOf(nowMs), failuresTtlSeconds], readInteger);
    }
    if (pendingMicroUsd > 0) {
      void batch.add(["INCRBY", spendOf(nowMs), pendingMicroUsd], readInteger);
      void batch.add(["EXPIRE", spendOf(nowMs), spendTtlSeconds], readInteger);
    }
  });
}

/** 1 round trip, 7 billed commands. */
export async function readGauges(redis: RedisClient, nowMs: number): Promise<Gauges> {
  const parkedFrom = parkedPlace(0);
  const failures = Array.from({ length: failureMinutes }, (_, before) => failuresOf(nowMs - before * minuteMs));
  let replies: Promise<number>[] = [];
  await redis.run((batch) => {
    replies = [
      batch.add(["ZCARD", dueRunsKey], readInteger),
      batch.add(["ZCOUNT", dueRunsKey, "-inf", nowMs], readInteger),
      batch.add(["ZCOUNT", dueRunsKey, parkedFrom, "+inf"], readInteger),
      batch.add(["ZCARD", dueTurnsKey], readInteger),
      batch.add(["HLEN", outboxKey], readInteger),
      batch.add(["MGET", ...failures], readSum),
      batch.add(["GET", spendOf(nowMs)], readCount),
    ];
  });
  const [all, overdueRuns, parkedRuns, dueTurns, outboxMessages, failed, microUsd] = (await Promise.all(replies)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    dueRuns: all - parkedRuns,
    overdueRuns,
    parkedRuns,
    dueTurns,
    outboxMessages,
    failures: failed,
    spendUsd: microUsd / 1e6,
  };
}

export function upstashIncidents(redis: RedisClient) {
  return {
    /** 1 billed command. */
    async open(): Promise<readonly Incident[]> {
      const pairs = await redis.command(["HGETALL", incidentsKey], readPairs);
      return alertRules.flatMap((rule) => {
        const text = pairs.get(rule);
        return text === undefined ? [] : [{ rule, ...(JSON.parse(text) as Omit<Incident, "rule">) }];
      });
    },
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
