/** A schedule fires. */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { pauseSchedule, removeSchedule, resumeSchedule } from "../../src/schedule/set-schedule.ts";
import { createScheduleRig as setUp, dayMs } from "../support/schedule-rig.ts";

const slowly = { target: { kind: "saga", name: "slow", input: {} } } as const;

describe("a firing", () => {
  it("starts a run with the schedule's input, and notes it", async () => {
    const t = setUp();
    await t.create();
    const fired = await t.fire("m1");
    expect(fired).toMatchObject({ kind: "started" });
    expect(t.ran).toEqual([7]);
    const { firings } = (await t.store.find(t.ref))!;
    expect(firings).toEqual([{ id: "m1", at: t.clock.now(), outcome: "started", runId: expect.any(String) as string }]);
    expect(t.statusOf(firings[0]!.runId!)).toBe("completed");
  });

  it("that is delivered again, at once or later, starts nothing more", async () => {
    const t = setUp();
    await t.create();
    const [first, twin] = await Promise.all([t.fire("m1"), t.fire("m1")]);
    await t.fire("m2");
    const late = await t.fire("m1");
    expect([twin, late]).toEqual([first, first]);
    expect(t.ran).toEqual([7, 7]);
    expect(t.runs()).toBe(2);
  });

  it("of another message starts another run", async () => {
    const t = setUp();
    await t.create();
    const runIds = [await t.fire("m1"), await t.fire("m2")].map((fired) =>
      "runId" in fired ? fired.runId : undefined,
    );
    expect(new Set(runIds).size).toBe(2);
  });

  it("while the last run still goes is skipped, also when it is delivered again after that run's end", async () => {
    const t = setUp(slowly);
    await t.create();
    const first = await t.fire("m1");
    expect(await t.fire("m2")).toEqual({ kind: "skipped", runId: "runId" in first ? first.runId : "" });
    const [run] = t.rig.journal.runs();
    await actOnRun(t.rig.parts(), run!, { kind: "signal", id: "s", name: "go", payload: null });
    await t.rig.deliverAll();
    expect(t.statusOf(run!.runId)).toBe("completed");
    expect(await t.fire("m2")).toMatchObject({ kind: "skipped" });
    expect(await t.fire("m3")).toMatchObject({ kind: "started" });
    expect(t.runs()).toBe(2);
  });

  it("while the last run still goes starts another where that is allowed", async () => {
    const t = setUp({ ...slowly, overlap: "allow" });
    await t.create();
    for (const id of ["m1", "m2", "m3"]) expect(await t.fire(id)).toMatchObject({ kind: "started" });
    expect(t.runs()).toBe(3);
  });

  it("is still skipped after more firings than are kept", async () => {
    const t = setUp(slowly);
    await t.create();
    await t.fire("m0");
    for (let index = 1; index <= limits.firingsKept + 5; index += 1) {
      expect(await t.fire(`m${index}`)).toMatchObject({ kind: "skipped" });
    }
    const { firings } = (await t.store.find(t.ref))!;
    expect(firings).toHaveLength(limits.firingsKept + 1);
    expect(t.runs()).toBe(1);
  });

  it("after a run that is parked starts another: a parked run goes on only when a person comes", async () => {
    const t = setUp({ target: { kind: "saga", name: "broken" } });
    await t.create();
    await t.fire("m1");
    expect(t.statusOf(t.rig.journal.runs()[0]!.runId)).toBe("parked");
    expect(await t.fire("m2")).toMatchObject({ kind: "started" });
  });

  it("of a paused schedule starts nothing, and is not made up for", async () => {
    const t = setUp();
    await t.create();
    await pauseSchedule(t.parts, t.ref);
    expect(await t.fire("m1")).toEqual({ kind: "paused" });
    await resumeSchedule(t.parts, t.ref);
    expect(await t.fire("m1")).toEqual({ kind: "paused" });
    expect(t.ran).toEqual([]);
    expect(await t.fire("m2")).toMatchObject({ kind: "started" });
  });

  it("of a schedule that was removed starts nothing, and has the queue forget it", async () => {
    const t = setUp();
    await t.create();
    await t.store.remove(t.ref);
    expect(await t.timetable.look(t.ref)).toBeDefined();
    expect(await t.fire("m1")).toEqual({ kind: "gone" });
    expect(await t.timetable.look(t.ref)).toBeUndefined();
    expect(t.ran).toEqual([]);
  });

  it.each([
    ["whose run is not in this build any more", { kind: "saga", name: "unheard", input: {} }],
    ["whose run is none any more that is started by its name", { kind: "saga", name: "hidden", input: {} }],
    ["whose input does not fit any more", { kind: "saga", name: "quick", input: { n: "seven" } }],
    ["of an agent that is not there any more", { kind: "agent", agentId: "gone", goal: "g" }],
    ["of an agent in a build without agents", { kind: "agent", agentId: "mine", goal: "g" }],
  ] as const)("%s is refused with a reason", async (_case, target) => {
    const t = setUp({ target });
    await t.create();
    expect(await t.fire("m1")).toMatchObject({ kind: "refused" });
    expect((await t.store.find(t.ref))!.firings[0]).toMatchObject({
      outcome: "refused",
      reason: expect.stringMatching(/\.$/) as string,
    });
    expect(t.runs()).toBe(0);
  });
});

describe("a schedule for one time", () => {
  const at = 1_800_000_000_000 + 20 * dayMs;

  it("is brought nearer until its time has come, then fires once and is gone", async () => {
    const t = setUp({ when: { at } });
    await t.create();
    const arrivals: string[] = [];
    while (t.timetable.waiting.length > 0) {
      const next = t.timetable.waiting.shift()!;
      await t.clock.advance(next.atMs - t.clock.now());
      arrivals.push((await t.fire(`m${arrivals.length}`)).kind);
    }
    expect(arrivals).toEqual(["early", "early", "started"]);
    expect(t.clock.now()).toBe(at);
    expect(t.ran).toEqual([7]);
    expect(await t.store.find(t.ref)).toBeUndefined();
    expect(await t.fire("m9")).toEqual({ kind: "gone" });
  });

  it("fires once when two messages of it arrive", async () => {
    const t = setUp({ when: { at } });
    await t.create();
    await t.clock.advance(at - t.clock.now());
    const kinds = (await Promise.all([t.fire("m1"), t.fire("m2")])).map(({ kind }) => kind);
    expect(kinds).toContain("started");
    expect(t.ran).toEqual([7]);
  });

  it("takes a clock that is a little behind for punctual", async () => {
    const t = setUp({ when: { at } });
    await t.create();
    await t.clock.advance(at - t.clock.now() - limits.firingEarlyMsMax);
    expect(await t.fire("m1")).toMatchObject({ kind: "started" });
  });

  it("that is paused at its time is missed, stays to be seen, and cannot be resumed", async () => {
    const t = setUp({ when: { at } });
    await t.create();
    await pauseSchedule(t.parts, t.ref);
    await t.clock.advance(at - t.clock.now());
    expect(await t.fire("m1")).toEqual({ kind: "paused" });
    await expect(resumeSchedule(t.parts, t.ref)).rejects.toMatchObject({ code: "schedule_refused" });
    expect(await removeSchedule(t.parts, t.ref)).toBe(true);
    expect(t.ran).toEqual([]);
  });

  it("that is resumed before its time fires", async () => {
    const t = setUp({ when: { at } });
    await t.create();
    await pauseSchedule(t.parts, t.ref);
    expect(await resumeSchedule(t.parts, t.ref)).toBe(true);
    await t.clock.advance(at - t.clock.now());
    expect(await t.fire("m1")).toMatchObject({ kind: "started" });
  });
});
