/** Schedules whose maker or whose firing dies on the way. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { createSchedule, pauseSchedule, removeSchedule, resumeSchedule } from "../../src/schedule/set-schedule.ts";
import { createScheduleRig as setUp, userId } from "../support/schedule-rig.ts";

describe("a schedule whose maker or firing dies on the way", () => {
  it("at whatever call the storage or the queue fails, a firing that is delivered again starts its run once", async () => {
    for (const when of ["before", "after"] as const) {
      for (let call = 1; call <= 8; call += 1) {
        const t = setUp();
        await t.create();
        let count = 0;
        const engine = { ...t.parts.engine };
        const store = { ...t.store };
        const broken = { ...t.parts, store, engine: { ...engine, journal: { ...engine.journal } } };
        const wrap = <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) => {
          return async (...args: Args): Promise<Result> => {
            count += 1;
            if (count !== call) return work(...args);
            if (when === "after") await work(...args);
            throw new AppError("redis_unavailable", "lost");
          };
        };
        store.find = wrap(t.store.find);
        store.note = wrap(t.store.note);
        broken.engine.journal.start = wrap(engine.journal.start);
        broken.engine.journal.append = wrap(engine.journal.append);
        await t.fire("m1", broken).catch(() => undefined);
        await t.fire("m1");
        await t.clock.advance(limits.leaseMs * 4);
        await sweep(t.rig.parts());
        await t.rig.deliverAll();
        expect(t.runs(), `${when} call ${call}`).toBe(1);
        expect(t.statusOf(t.rig.journal.runs()[0]!.runId), `${when} call ${call}`).toBe("completed");
      }
    }
  });

  it("leaves nothing behind when the queue does not take a new one, and keeps one that was there", async () => {
    const t = setUp();
    const unavailable = new AppError("queue_unavailable", "down");
    const parts = { ...t.parts, timetable: { ...t.timetable, repeat: () => Promise.reject(unavailable) } };
    await expect(createSchedule(parts, userId, t.schedule)).rejects.toBe(unavailable);
    expect(await t.store.list(userId)).toEqual([]);
    await t.create();
    await expect(createSchedule(parts, userId, t.schedule)).rejects.toBe(unavailable);
    expect(await t.store.list(userId)).toHaveLength(1);
  });

  it("is made once by a request that is repeated, and another one under its id is refused", async () => {
    const t = setUp({ when: { at: 1_800_000_060_000 } });
    await t.create();
    const again = { ...t.schedule, when: { at: 1_800_000_061_000 } };
    expect(await createSchedule(t.parts, userId, again)).toEqual(t.schedule);
    expect(t.timetable.waiting).toHaveLength(1);
    const other = { ...t.schedule, overlap: "allow" } as const;
    await expect(createSchedule(t.parts, userId, other)).rejects.toMatchObject({ code: "schedule_refused" });
  });

  it("is removed although the queue does not hear of it", async () => {
    const t = setUp();
    await t.create();
    const forget = () => Promise.reject(new AppError("queue_unavailable", "down"));
    const parts = { ...t.parts, timetable: { ...t.timetable, forget } };
    expect(await removeSchedule(parts, t.ref)).toBe(true);
    expect(await removeSchedule(parts, t.ref)).toBe(false);
  });

  it("is mended by a resume when the queue never heard of it", async () => {
    const t = setUp();
    await t.store.create(userId, t.schedule);
    expect(await t.timetable.look(t.ref)).toBeUndefined();
    await resumeSchedule(t.parts, t.ref);
    expect(await t.timetable.look(t.ref)).toMatchObject({ isPaused: false });
  });

  it("that is not there can be neither paused nor resumed", async () => {
    const t = setUp();
    expect(await pauseSchedule(t.parts, t.ref)).toBe(false);
    expect(await resumeSchedule(t.parts, t.ref)).toBe(false);
  });
});
