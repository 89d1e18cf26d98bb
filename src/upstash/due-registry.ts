/** What is under way, by the time at which the sweep looks at it: one sorted set for all users. */
import { limits } from "../core/limits.ts";
import type { DueRuns, RunRef } from "../engine/journal.ts";
import type { ConversationRef, DueTurns } from "../event/event-log.ts";
import type { Batch, RedisArgument, RedisClient } from "./batch.ts";
import { retireScript, setAsideScript } from "./journal-scripts.ts";
import { ifMoved, keysOf } from "./journal-volume.ts";
import { dueRunsKey, dueTurnsKey, eventsKey } from "./keys.ts";
import { readInteger, readScan, readText, readTexts } from "./reply.ts";

interface Registry<Ref> {
  readonly key: string;
  readonly member: (ref: Ref) => string;
  readonly ref: (userId: string, id: string) => Ref;
  /** What begins to expire when nothing is under way there any more. */
  readonly expiring: (ref: Ref) => readonly string[];
  readonly ttlSeconds: number;
}

export function upstashDueRuns(redis: RedisClient): DueRuns {
  const registry = dueRegistry<RunRef>(redis, {
    key: dueRunsKey,
    member: runMember,
    ref: runRef,
    expiring: keysOf,
    ttlSeconds: limits.runTtlSeconds,
  });
  return {
    ...registry,
    async register(ref, dueAtMs) {
      await redis.run((batch) => {
        void batch.add(["ZADD", dueRunsKey, dueAtMs, runMember(ref)], readInteger);
        for (const key of keysOf(ref)) void batch.add(["PERSIST", key], readInteger);
      });
    },
    async setAsideUnchanged(seen) {
      const setAside: Promise<number>[] = [];
      await redis.run((batch) => {
        for (const { ref, length, dueAtMs } of seen) {
          const [newest = ""] = keysOf(ref);
          const args = [length, runMember(ref), dueAtMs];
          setAside.push(setAsideScript.evalsha(batch, [dueRunsKey, newest], args, readInteger));
        }
      });
      await Promise.all(setAside.map((answer) => answer.catch(ifMoved(0))));
    },
    isKnown: async (ref) => (await redis.command(["ZSCORE", dueRunsKey, runMember(ref)], readText)) !== undefined,
    async retireUnchanged(seen) {
      const retired: Promise<number>[] = [];
      await redis.run((batch) => {
        for (const { ref, length } of seen) {
          const keys = [dueRunsKey, ...keysOf(ref)];
          const args = [length, runMember(ref), limits.runTtlSeconds];
          retired.push(retireScript.evalsha(batch, keys, args, readInteger));
        }
      });
      // One that was compacted since has changed.
      await Promise.all(retired.map((answer) => answer.catch(ifMoved(0))));
    },
  };
}

/**
 * Every run that is not over, in pages: each that is there all the while at least once, those that come and go perhaps. 1 billed command a page. For operators: the
 * Worker never asks for all.
 */
export async function* upstashLiveRuns(redis: RedisClient): AsyncGenerator<readonly RunRef[], void, undefined> {
  let cursor = "0";
  do {
    const page = await redis.command(["ZSCAN", dueRunsKey, cursor, "COUNT", limits.sweepRunsMax], readScan);
    cursor = page.cursor;
    // Each member is followed by its score.
    yield page.items.filter((_item, index) => index % 2 === 0).flatMap((member) => refsOf(runRef, member));
  } while (cursor !== "0");
}

export function upstashDueTurns(redis: RedisClient): DueTurns {
  return dueRegistry(redis, {
    key: dueTurnsKey,
    member: turnMember,
    ref: turnRef,
    expiring: ({ userId, conversationId }) => [eventsKey(userId, conversationId)],
    ttlSeconds: limits.eventTtlSeconds,
  });
}

export function runMember({ userId, runId }: RunRef): string {
  return `${userId}/${runId}`;
}

export function turnMember({ userId, conversationId }: ConversationRef): string {
  return `${userId}/${conversationId}`;
}

/** Nothing for a member that this version does not understand. */
export function runRefsIn(member: string): RunRef[] {
  return refsOf(runRef, member);
}

function runRef(userId: string, runId: string): RunRef {
  return { userId, runId };
}

function turnRef(userId: string, conversationId: string): ConversationRef {
  return { userId, conversationId };
}

/** The first `count` that are due, as part of a larger batch. */
export function overduePart(batch: Batch, nowMs: number, count: number) {
  return {
    runs: batch.add(overdueIn(dueRunsKey, nowMs, count), refsIn(runRef)),
    turns: batch.add(overdueIn(dueTurnsKey, nowMs, count), refsIn(turnRef)),
  };
}

function overdueIn(key: string, nowMs: number, count: number): readonly RedisArgument[] {
  return ["ZRANGE", key, "-inf", nowMs, "BYSCORE", "LIMIT", 0, count];
}

function refsIn<Ref>(ref: Registry<Ref>["ref"]): (reply: unknown) => Ref[] {
  return (reply) => readTexts(reply).flatMap((text) => refsOf(ref, text));
}

/** Nothing for a member that this version does not understand. */
function refsOf<Ref>(ref: Registry<Ref>["ref"], member: string): Ref[] {
  const [userId, id, ...rest] = member.split("/");
  return userId && id && rest.length === 0 ? [ref(userId, id)] : [];
}

function dueRegistry<Ref>(redis: RedisClient, registry: Registry<Ref>) {
  const { key, member } = registry;

  return {
    overdue: (nowMs: number, count: number) => redis.command(overdueIn(key, nowMs, count), refsIn(registry.ref)),
    async postpone(later: readonly { readonly ref: Ref; readonly dueAtMs: number }[]) {
      if (later.length === 0) return;
      const pairs = later.flatMap(({ ref, dueAtMs }) => [dueAtMs, member(ref)]);
      await redis.command(["ZADD", key, "XX", ...pairs], readInteger);
    },
    async retire(refs: readonly Ref[]) {
      if (refs.length === 0) return;
      await redis.run((batch) => {
        for (const expiring of refs.flatMap(registry.expiring)) {
          void batch.add(["EXPIRE", expiring, registry.ttlSeconds], readInteger);
        }
        void batch.add(["ZREM", key, ...refs.map(member)], readInteger);
      });
    },
  };
}
