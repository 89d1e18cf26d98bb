/** One suite for firings by QStash and their fake, on a clock that a test moves. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { createMeter } from "../../src/core/meter.ts";
import { Secret } from "../../src/core/secret.ts";
import type { Timetable } from "../../src/schedule/timetable.ts";
import { upstashTimetable } from "../../src/upstash/timetable.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryTimetable, type MemoryTimetable } from "../fakes/memory-timetable.ts";

const userId = "usr_1";
const dayMs = 86_400_000;

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
  stack.clock.freeze();
});
afterAll(() => stack.close());

let count = 0;
const freshRef = () => ({ userId, scheduleId: `scd_${(count += 1)}` });

function inQstash(token = stack.qstashToken): Timetable {
  return upstashTimetable({
    url: stack.qstashUrl,
    token: new Secret(token),
    meter: createMeter(),
    appUrl: "http://127.0.0.1:9",
    clock: stack.clock,
  });
}

/** The times at which delayed messages of a schedule wait. */
async function waitingOf(timetable: Timetable, scheduleId: string): Promise<number[]> {
  if ("waiting" in timetable) {
    const { waiting } = timetable as MemoryTimetable;
    return waiting.filter(({ ref }) => ref.scheduleId === scheduleId).map(({ atMs }) => atMs);
  }
  const headers = { authorization: `Bearer ${stack.qstashToken}` };
  const response = await fetch(`${stack.qstashUrl}/v2/events?count=1000`, { headers });
  const { events } = (await response.json()) as { events: { messageId: string; state: string; label?: string }[] };
  const mine = events.filter(({ state, label }) => state === "CREATED" && label === scheduleId);
  const found = await Promise.all(
    mine.map(async ({ messageId }) => (await fetch(`${stack.qstashUrl}/v2/messages/${messageId}`, { headers })).json()),
  );
  return found.flatMap((message) => {
    const { notBefore } = message as { notBefore?: number };
    return notBefore === undefined ? [] : [notBefore];
  });
}

const timetables: [string, () => Timetable][] = [
  ["of QStash", inQstash],
  ["in memory", () => memoryTimetable(stack.clock)],
];

describe.each(timetables)("a timetable %s", (_name, open) => {
  it("knows when a cron fires next, in its time zone", async () => {
    const timetable = open();
    const ref = freshRef();
    expect(await timetable.look(ref)).toBeUndefined();
    await timetable.repeat(ref, { cron: "30 9 * * *", timeZone: "Asia/Kolkata" });
    const { isPaused, nextAt } = (await timetable.look(ref))!;
    expect(isPaused).toBe(false);
    const face = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Kolkata", hour: "2-digit", minute: "2-digit" });
    expect(face.format(nextAt)).toBe("09:30");
    expect(nextAt! - stack.clock.now()).toBeLessThanOrEqual(dayMs);
  });

  it("has one cron for a schedule, the last", async () => {
    const timetable = open();
    const ref = freshRef();
    await timetable.repeat(ref, { cron: "30 9 * * *", timeZone: "UTC" });
    await timetable.repeat(ref, { cron: "45 9 * * *", timeZone: "UTC" });
    expect(new Date((await timetable.look(ref))!.nextAt!).getUTCMinutes()).toBe(45);
  });

  it("pauses, resumes and forgets, each as often as one likes", async () => {
    const timetable = open();
    const ref = freshRef();
    for (const act of [timetable.pause, timetable.resume, timetable.forget]) await act(ref);
    await timetable.repeat(ref, { cron: "* * * * *", timeZone: "UTC" });
    await timetable.pause(ref);
    await timetable.pause(ref);
    expect(await timetable.look(ref)).toMatchObject({ isPaused: true, nextAt: undefined });
    await timetable.resume(ref);
    expect(await timetable.look(ref)).toMatchObject({ isPaused: false, nextAt: expect.any(Number) as number });
    await timetable.forget(ref);
    await timetable.forget(ref);
    expect(await timetable.look(ref)).toBeUndefined();
  });

  it("delivers once at a time, at the next full second, however often it is asked", async () => {
    const timetable = open();
    const ref = freshRef();
    const atMs = stack.clock.now() + 90_500;
    await timetable.once(ref, atMs);
    await timetable.once(ref, atMs);
    expect(await waitingOf(timetable, ref.scheduleId)).toEqual([Math.ceil(atMs / 1000) * 1000]);
    expect(await timetable.look(ref)).toBeUndefined();
  });

  it("delivers earlier where the time is too far away", async () => {
    const timetable = open();
    const ref = freshRef();
    await timetable.once(ref, stack.clock.now() + limits.queueDelayMsMax + dayMs);
    const [atMs] = await waitingOf(timetable, ref.scheduleId);
    expect(atMs! - stack.clock.now()).toBeLessThanOrEqual(limits.queueDelayMsMax + 1_000);
    expect(atMs! - stack.clock.now()).toBeGreaterThan(limits.queueDelayMsMax - 1_000);
  });

  it("calls a message back that waits, and no other", async () => {
    const timetable = open();
    const [mine, other] = [freshRef(), freshRef()];
    for (const ref of [mine, other]) await timetable.once(ref, stack.clock.now() + dayMs);
    await timetable.forget(mine);
    expect(await waitingOf(timetable, mine.scheduleId)).toEqual([]);
    expect(await waitingOf(timetable, other.scheduleId)).toHaveLength(1);
  });
});

describe("a timetable of QStash", () => {
  it("refuses in words what QStash does not take", async () => {
    await expect(inQstash().repeat(freshRef(), { cron: "61 * * * *", timeZone: "UTC" })).rejects.toMatchObject({
      code: "schedule_refused",
    });
    stack.faults.add({ server: "qstash", match: "schedules", action: "status", status: 412, count: 1 });
    await expect(inQstash().repeat(freshRef(), { cron: "* * * * *", timeZone: "UTC" })).rejects.toMatchObject({
      code: "schedule_refused",
    });
  });

  it("says that QStash did not answer, or that the token is wrong", async () => {
    stack.faults.add({ server: "qstash", match: "schedules", action: "status", status: 500, count: 9 });
    const when = { cron: "* * * * *", timeZone: "UTC" };
    await expect(inQstash().repeat(freshRef(), when)).rejects.toMatchObject({ code: "queue_unavailable" });
    await expect(inQstash().look(freshRef())).rejects.toMatchObject({ code: "queue_unavailable" });
    stack.faults.clear();
    await expect(inQstash("wrong").pause(freshRef())).rejects.toMatchObject({ code: "misconfigured" });
  });
});
