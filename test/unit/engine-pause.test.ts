/** A person stops a run for a while, and lets it go on. */
import { describe, expect, it } from "vitest";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { RunFailed } from "../../src/engine/failures.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { limits } from "../../src/core/limits.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf } from "../support/play-run.ts";

const pause = { kind: "pause" } as const;
const resume = { kind: "resume" } as const;
const isPaused = ({ status }: RunState): boolean => status === "paused";
const atOnce = (): boolean => true;

const walking = runOf(async (ctx) => {
  for (const what of ["a", "b", "c"]) await ctx.step(what, (step) => ctx.services.act(what, step));
  await ctx.sleep("nap", "1h");
  await ctx.step("d", (step) => ctx.services.act("d", step));
  return "there";
});

describe("a run that is paused", () => {
  it("does nothing until it is resumed, and then goes on where it was", async () => {
    for (const count of [0, 1, 2, 3]) {
      const acts = [
        { when: ({ settled }: RunState): boolean => settled.length >= count, act: pause },
        { when: isPaused, act: resume, afterMs: 86_400_000 },
      ];
      await everyWay({ definitions: [walking], acts }, ({ state, did, elapsedMs }) => {
        expect(state).toMatchObject({ status: "completed", output: "there" });
        expect(did).toEqual(["a", "b", "c", "d"]);
        expect(elapsedMs).toBeGreaterThanOrEqual(86_400_000);
      });
    }
  });

  it("stays paused when a trigger or the time of its sleep comes", async () => {
    const acts = [{ when: ({ status }: RunState): boolean => status === "waiting", act: pause }];
    const isOver = ({ status, lastAt, startedAt }: RunState): boolean => status === "paused" && lastAt >= startedAt;
    const { state } = await playRun({ definitions: [walking], acts, isOver });
    expect(state).toMatchObject({ status: "paused", holder: undefined });
    expect(state.settled).toHaveLength(3);
  });

  it("may be cancelled", async () => {
    const acts = [
      { when: atOnce, act: pause },
      { when: isPaused, act: { kind: "cancel", reason: "enough", isUndoing: true } as const },
    ];
    await everyWay({ definitions: [walking], acts }, ({ state }) => expect(state.status).toBe("cancelled"));
  });

  it("takes signals that come meanwhile when it goes on", async () => {
    const runs = runOf((ctx) => ctx.waitForSignal("word"));
    const acts = [
      { when: ({ status }: RunState): boolean => status === "waiting", act: pause },
      { when: isPaused, act: { kind: "signal", id: "a", name: "word", payload: 1 } as const },
      { when: isPaused, act: resume, afterMs: 60_000 },
    ];
    await everyWay({ definitions: [runs], acts }, ({ state }) => {
      expect(state.output).toEqual({ kind: "received", payload: 1 });
    });
  });

  it("in the middle of its compensation holds that as well", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("flight", (step) => ctx.services.act("flight", step), {
        async compensate(_result, step) {
          if (ctx.services.isAmongFirst("undo", 2)) throw new Error("later");
          await ctx.services.act("undo flight", step);
        },
      });
      await ctx.step("fail", () => Promise.reject(new Error("no")), { retries: 0 });
    });
    const acts = [
      { when: ({ status }: RunState): boolean => status === "compensating", act: pause },
      { when: isPaused, act: resume, afterMs: 86_400_000 },
    ];
    const { state, did } = await playRun({ definitions: [runs], acts });
    expect(state.status).toBe("failed");
    expect(did).toEqual(["flight", "undo flight"]);
  });
});

describe("a run that is paused while it is undone", () => {
  /** Its last undoing, which comes first, is under way when the pause comes. */
  async function pausedIn(which: "first" | "last", cause: "fails" | "cancelled") {
    const did: string[] = [];
    let isAsked = false;
    const runs = runOf(async (ctx) => {
      for (const what of ["flight", "hotel"]) {
        await ctx.step(what, () => what, {
          async compensate() {
            did.push(`undo ${what}`);
            if (!isAsked && (what === "hotel") === (which === "first")) await ask();
          },
        });
      }
      if (cause === "cancelled") await ctx.waitForSignal("word");
      throw new RunFailed("no visa");
    });
    const rig = createEngineRig([runs]);
    const ref = { userId: "usr_1", runId: "run_1" };
    async function ask(): Promise<void> {
      isAsked = true;
      expect(await actOnRun(rig.parts(), ref, pause)).toEqual({ kind: "done" });
    }
    await rig.start(runs);
    if (cause === "cancelled") {
      await actOnRun(rig.parts(), ref, { kind: "cancel", reason: "enough", isUndoing: true });
      await rig.deliverAll();
    }
    const before = { ...rig.state(ref) };
    const undoneBefore = [...did];
    await actOnRun(rig.parts(), ref, resume);
    await rig.deliverAll();
    return { before, undoneBefore, did, state: rig.state(ref) };
  }

  it.each([
    ["fails", "failed"],
    ["cancelled", "cancelled"],
  ] as const)("because it %s stops between two undoings, and goes on with the next", async (cause, status) => {
    const { before, undoneBefore, did, state } = await pausedIn("first", cause);
    expect(before).toMatchObject({ status: "paused", holder: undefined });
    expect(undoneBefore).toEqual(["undo hotel"]);
    expect(did).toEqual(["undo hotel", "undo flight"]);
    expect(state.status).toBe(status);
  });

  it("ends only when it is resumed, also where the last undoing was under way", async () => {
    const { before, did, state } = await pausedIn("last", "fails");
    expect(before.status).toBe("paused");
    expect(did).toEqual(["undo hotel", "undo flight"]);
    expect(state).toMatchObject({ status: "failed", failure: { message: "no visa" } });
  });
});

describe("a pause that is taken back", () => {
  it.each([
    ["resumed", resume],
    ["cancelled", { kind: "cancel", reason: "enough", isUndoing: true }],
  ] as const)("before the run has noticed it is not lost: the run is %s", async (_how, act) => {
    for (const count of [2, 3, 4]) {
      const when = ({ length }: RunState): boolean => length >= count;
      const acts = [
        { when, act: pause },
        { when: ({ isPauseWanted, status }: RunState): boolean => isPauseWanted || status === "paused", act },
      ];
      await everyWay({ definitions: [walking], acts }, ({ state }) => {
        expect(["completed", "cancelled"]).toContain(state.status);
      });
    }
  });
});

describe("what a person may ask", () => {
  const started = async () => {
    const rig = createEngineRig([walking]);
    const ref = await rig.start(walking, {}, { services: { act: async () => null } });
    return {
      rig,
      ref,
      act: (kind: "pause" | "resume" | "retry" | "compensate") => actOnRun(rig.parts(), ref, { kind }),
    };
  };

  it("is to pause twice, which is once, and to resume only what is paused or parked", async () => {
    const { act } = await started();
    expect(await act("resume")).toEqual({ kind: "refused", reason: "The run is neither paused nor parked." });
    expect(await act("pause")).toEqual({ kind: "done" });
    expect(await act("pause")).toEqual({ kind: "repeated" });
    expect(await act("resume")).toEqual({ kind: "done" });
  });

  it("is to retry only what has failed or is parked", async () => {
    const { act } = await started();
    expect(await act("retry")).toMatchObject({ kind: "refused" });
  });

  it("is nothing of a run that is over, and of one that is not there", async () => {
    const { rig, ref, act } = await started();
    await rig.deliverAll({ services: { act: async () => null } });
    for (const kind of ["pause", "resume", "retry", "compensate"] as const) {
      expect(await act(kind)).toMatchObject({ kind: "refused" });
    }
    const nobody = { ...ref, runId: "run_nobody" };
    expect(await actOnRun(rig.parts(), nobody, pause)).toEqual({ kind: "unknown" });
    expect(rig.journal.entries(nobody)).toEqual([]);
  });

  it("is heard by the sweep within half a minute, also if whoever asked dies before the trigger is sent", async () => {
    const { rig, ref } = await started();
    const queue = { ...rig.parts().queue, triggerNextStep: () => Promise.reject(new Error("killed")) };
    await actOnRun(rig.parts(), ref, pause);
    await expect(actOnRun(rig.parts({ queue }), ref, resume)).rejects.toThrow("killed");
    expect(rig.journal.dueAt(ref)).toBe(rig.clock.now() + limits.sweepSlackMs);
  });
});
