/** One suite for schedules in Redis and their fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { Firing, Schedule } from "../../src/schedule/schedule.ts";
import type { ScheduleStore } from "../../src/schedule/schedule-store.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashScheduleStore } from "../../src/upstash/schedule-store.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryScheduleStore } from "../fakes/memory-schedule-store.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let count = 0;
const freshUser = (): string => `usr_${crypto.randomUUID().replaceAll("-", "")}`;

function schedule(more: Partial<Schedule> = {}): Schedule {
  count += 1;
  return {
    scheduleId: `scd_${String(count).padStart(32, "0")}`,
    when: { cron: "0 9 * * *", timeZone: "UTC" },
    target: { kind: "saga", name: "book-dinner", input: { city: "Rome 雪", guests: [1, null] } },
    overlap: "skip",
    createdAt: count,
    isPaused: false,
    ...more,
  };
}

const firing = (id: string): Firing => ({ id, at: 5, outcome: "started", runId: "run_1" });

const stores: [string, () => ScheduleStore][] = [
  [
    "in Redis",
    () =>
      upstashScheduleStore(
        upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 }),
      ),
  ],
  ["in memory", memoryScheduleStore],
];

describe.each(stores)("schedules %s", (_name, open) => {
  it("are found as they were made, and listed oldest first", async () => {
    const store = open();
    const userId = freshUser();
    const all = [
      schedule({ when: { at: 7 }, target: { kind: "tool", name: "calculator", parameters: { expression: "1" } } }),
      schedule({ target: { kind: "agent", agentId: "a", goal: "g" }, overlap: "allow", isPaused: true }),
      schedule(),
    ];
    for (const one of [all[2]!, all[0]!, all[1]!]) {
      expect(await store.create(userId, one)).toEqual({ kept: one, isNew: true });
    }
    const { scheduleId } = all[0]!;
    expect(await store.find({ userId, scheduleId })).toEqual({ schedule: all[0], firings: [], mark: "" });
    expect((await store.list(userId)).map((kept) => kept.schedule)).toEqual(all);
    expect(await store.list(freshUser())).toEqual([]);
    expect(await store.find({ userId: freshUser(), scheduleId })).toBeUndefined();
  });

  it("keep the one that is there when an id comes again", async () => {
    const store = open();
    const userId = freshUser();
    const first = schedule();
    await store.create(userId, first);
    expect(await store.create(userId, { ...first, overlap: "allow" })).toEqual({ kept: first, isNew: false });
    expect(await store.list(userId)).toHaveLength(1);
  });

  it("are full at the limit, also for those who come at once, while a known id still is welcome", async () => {
    const store = open();
    const userId = freshUser();
    const all = Array.from({ length: limits.schedulesPerUserMax + 3 }, () => schedule());
    const answers = await Promise.all(all.map((one) => store.create(userId, one)));
    expect(answers.filter((answer) => answer === "full")).toHaveLength(3);
    const [one] = await store.list(userId);
    expect(await store.create(userId, one!.schedule)).toMatchObject({ isNew: false });
    await store.remove({ userId, scheduleId: one!.schedule.scheduleId });
    expect(await store.create(userId, schedule())).toMatchObject({ isNew: true });
  });

  it("are replaced where they are there, and never made by it", async () => {
    const store = open();
    const userId = freshUser();
    const one = schedule();
    expect(await store.replace(userId, one)).toBe(false);
    await store.create(userId, one);
    expect(await store.replace(userId, { ...one, isPaused: true })).toBe(true);
    expect((await store.find({ userId, scheduleId: one.scheduleId }))?.schedule.isPaused).toBe(true);
  });

  it("note what came of a firing once: whoever read before that is told to read again", async () => {
    const store = open();
    const userId = freshUser();
    const one = schedule();
    const ref = { userId, scheduleId: one.scheduleId };
    expect(await store.note(ref, "", [firing("m1")])).toBe("gone");
    await store.create(userId, one);
    expect(await store.note(ref, "", [firing("m1")])).toBe("noted");
    expect(await store.note(ref, "", [firing("m2")])).toBe("moved");
    const kept = (await store.find(ref))!;
    expect(kept.firings).toEqual([firing("m1")]);
    expect(await store.note(ref, kept.mark, [firing("m1"), firing("m2")])).toBe("noted");
    expect((await store.list(userId))[0]?.firings.map(({ id }) => id)).toEqual(["m1", "m2"]);
  });

  it("are removed with their firings, once", async () => {
    const store = open();
    const userId = freshUser();
    const one = schedule();
    const ref = { userId, scheduleId: one.scheduleId };
    await store.create(userId, one);
    await store.note(ref, "", [firing("m1")]);
    expect(await store.remove(ref)).toBe(true);
    expect(await store.remove(ref)).toBe(false);
    expect(await store.find(ref)).toBeUndefined();
    await store.create(userId, one);
    expect((await store.find(ref))?.firings).toEqual([]);
  });
});

it("a schedule that cannot be read is left out of the list", async () => {
  const redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
  const store = upstashScheduleStore(redis);
  const userId = freshUser();
  const one = schedule();
  await store.create(userId, one);
  await redis.command(["HSET", `schedules:{${userId}}`, "scd_x", "{", "scd_y", '{"scheduleId":"scd_y"}'], Number);
  await redis.command(["HSET", `schedules:{${userId}}:firings`, one.scheduleId, "no list"], Number);
  expect(await store.list(userId)).toEqual([{ schedule: one, firings: [], mark: "no list" }]);
  expect(await store.find({ userId, scheduleId: "scd_x" })).toBeUndefined();
});
