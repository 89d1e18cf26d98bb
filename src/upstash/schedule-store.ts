/** Schedules in Redis: a hash of them per user, and one of what came of their firings. What a user changes and what a firing changes never overwrite each other. */
import { limits } from "../core/limits.ts";
import { parseFirings, parseSchedule, type Schedule, type ScheduleRef } from "../schedule/schedule.ts";
import type { KeptSchedule, ScheduleStore } from "../schedule/schedule-store.ts";
import type { RedisArgument, RedisClient, Reader } from "./batch.ts";
import { firingsKey, schedulesKey } from "./keys.ts";
import { readInteger, readPairs, readText } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { defineScript, type Script } from "./script.ts";

/** KEYS: schedules. ARGV: id, schedule, limit. Answers the one that is there, "new" or "full". */
const createScript = defineScript(
  `#!lua flags=allow-key-locking
local known = redis.call("HGET", KEYS[1], ARGV[1])
if known then return known end
if redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return "full" end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return "new"
`,
  {
    sealed: [{ first: 1, key: 0, field: 0 }],
    answersText: { key: 0, field: 0 },
    calls: (reply) => (reply === "new" ? 3 : reply === "full" ? 2 : 1),
  },
);

/** KEYS: schedules. ARGV: id, schedule. */
const replaceScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return 1
`,
  { sealed: [{ first: 1, key: 0, field: 0 }], calls: (reply) => (reply === 0 ? 1 : 2) },
);

/** KEYS: schedules, firings. ARGV: id, firings as they were read, firings. */
const noteScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return "gone" end
if (redis.call("HGET", KEYS[2], ARGV[1]) or "") ~= ARGV[2] then return "moved" end
redis.call("HSET", KEYS[2], ARGV[1], ARGV[3])
return "noted"
`,
  { calls: (reply) => (reply === "noted" ? 3 : reply === "moved" ? 2 : 1) },
);

export function upstashScheduleStore(redis: RedisClient): ScheduleStore {
  const run = <T>(script: Script, keys: string[], args: RedisArgument[], read: Reader<T>): Promise<T> =>
    runOne(redis, (batch) => script.evalsha(batch, keys, args, read));

  return {
    async create(userId, schedule) {
      const args = [schedule.scheduleId, JSON.stringify(schedule), limits.schedulesPerUserMax];
      const answer = (await run(createScript, [schedulesKey(userId)], args, readText)) ?? "";
      if (answer === "full") return "full";
      return { kept: parseSchedule(answer) ?? schedule, isNew: answer === "new" };
    },

    async find({ userId, scheduleId }) {
      let text: Promise<string | undefined> | undefined;
      let firings: Promise<string | undefined> | undefined;
      await redis.run((batch) => {
        text = batch.add(["HGET", schedulesKey(userId), scheduleId], readText);
        firings = batch.add(["HGET", firingsKey(userId), scheduleId], readText);
      });
      return keptOf(await text, await firings);
    },

    async list(userId) {
      let all: Promise<Map<string, string>> | undefined;
      let firings: Promise<Map<string, string>> | undefined;
      await redis.run((batch) => {
        all = batch.add(["HGETALL", schedulesKey(userId)], readPairs);
        firings = batch.add(["HGETALL", firingsKey(userId)], readPairs);
      });
      const noted = (await firings)!;
      return [...(await all)!]
        .flatMap(([id, text]) => keptOf(text, noted.get(id)) ?? [])
        .toSorted((a, b) => a.schedule.createdAt - b.schedule.createdAt || compareIds(a.schedule, b.schedule));
    },

    replace: async (userId, schedule) =>
      (await run(
        replaceScript,
        [schedulesKey(userId)],
        [schedule.scheduleId, JSON.stringify(schedule)],
        readInteger,
      )) === 1,

    note: ({ userId, scheduleId }, mark, firings) =>
      run(
        noteScript,
        [schedulesKey(userId), firingsKey(userId)],
        [scheduleId, mark, JSON.stringify(firings)],
        (reply) => readText(reply) as "noted" | "moved" | "gone",
      ),

    async remove({ userId, scheduleId }: ScheduleRef) {
      let removed: Promise<number> | undefined;
      await redis.atomic((batch) => {
        removed = batch.add(["HDEL", schedulesKey(userId), scheduleId], readInteger);
        void batch.add(["HDEL", firingsKey(userId), scheduleId], readInteger);
      });
      return (await removed) === 1;
    },
  };
}

function keptOf(text: string | undefined, firings: string | undefined): KeptSchedule | undefined {
  const schedule = text === undefined ? undefined : parseSchedule(text);
  return schedule && { schedule, firings: parseFirings(firings), mark: firings ?? "" };
}

function compareIds(a: Schedule, b: Schedule): number {
  return a.scheduleId < b.scheduleId ? -1 : 1;
}
