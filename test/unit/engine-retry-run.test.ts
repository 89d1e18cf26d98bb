/** A person has a run that has failed, or that is parked, go on. */
import { describe, expect, it } from "vitest";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { NonRetryableError, RunFailed } from "../../src/engine/failures.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf } from "../support/play-run.ts";

const retry = { kind: "retry" } as const;
/** A minute after it has failed, for until then its end may have something to see to. */
const whenFailed = { when: ({ status }: RunState): boolean => status === "failed", act: retry, afterMs: 120_000 };
const whenParked = { when: ({ status }: RunState): boolean => status === "parked", act: retry };

/** Fails as long as the world refuses: so many times. */
const refused = (times: number, retries = 0) =>
  runOf(async (ctx) => {
    const before = await ctx.step("before", (step) => ctx.services.act("before", step, 1));
    const after = await ctx.step(
      "charge",
      async (step) => {
        await ctx.services.act("charge", step);
        if (ctx.services.isAmongFirst("charge", times)) throw new NonRetryableError("refused");
        return before + 1;
      },
      { retries },
    );
    return before + after;
  });

describe("a run that has failed", () => {
  it("goes on from the step that failed when it is retried; what was done is not done again", async () => {
    const runs = refused(1);
    const { state, happened } = await playRun({
      definitions: [runs],
      acts: [whenFailed],
      isOver: ({ status }) => status === "completed",
    });
    expect(state).toMatchObject({ status: "completed", output: 3, failure: undefined, isRevived: true });
    expect(happened).toEqual(["before", "charge", "charge"]);
  });

  it("may be retried however it is cut", async () => {
    const isOver = ({ status }: RunState): boolean => status === "completed";
    await everyWay({ definitions: [refused(1)], acts: [whenFailed], isOver }, ({ state }) => {
      expect(state).toMatchObject({ status: "completed", output: 3 });
    });
  });

  it("may fail again, and be retried again", async () => {
    const acts = [
      whenFailed,
      { ...whenFailed, when: ({ status, segments }: RunState) => status === "failed" && segments > 1 },
    ];
    const isOver = ({ status }: RunState): boolean => status === "completed";
    const { happened } = await playRun({ definitions: [refused(2)], acts, isOver });
    expect(happened).toEqual(["before", "charge", "charge", "charge"]);
  });

  it("by what its code threw fails again in the same words, for nothing of it was a step", async () => {
    let passes = 0;
    const runs = runOf(async (ctx) => {
      passes += 1;
      await ctx.step("before", () => 1);
      throw new RunFailed("closed");
    });
    const isOver = ({ status, segments }: RunState): boolean => status === "failed" && segments === 2;
    const { state } = await playRun({ definitions: [runs], acts: [whenFailed], isOver });
    expect(state).toMatchObject({ status: "failed", failure: { message: "closed" } });
    expect(passes).toBe(2);
  });

  it("is not retried when it was undone: what its steps stand on is gone", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("flight", () => 1, { compensate: () => 1 });
      throw new RunFailed("no");
    });
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    expect(rig.state(ref).status).toBe("failed");
    expect(await actOnRun(rig.parts(), ref, retry)).toMatchObject({ kind: "refused" });
  });

  it("is known to the sweep again, and its journal does not expire any more", async () => {
    const runs = runOf((ctx) =>
      ctx
        .step("never", () => Promise.reject(new NonRetryableError("no")))
        .catch(async (error: unknown) => {
          if (ctx.services.isAmongFirst("first", 1)) throw error;
          await ctx.sleep("long", "60d");
        }),
    );
    let asked = 0;
    const services = { isAmongFirst: () => (asked += 1) === 1 };
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs, {}, { services });
    const key = `${ref.userId}/${ref.runId}`;
    expect(rig.journal.expiring.has(key)).toBe(true);
    expect(await actOnRun(rig.parts(), ref, retry)).toEqual({ kind: "done" });
    expect(rig.journal.expiring.has(key)).toBe(false);
    expect(rig.journal.dueAt(ref)).toBeDefined();
    await rig.journal.retire([ref]);
    await rig.deliverOne({ services });
    expect([rig.journal.expiring.has(key), rig.journal.dueAt(ref) !== undefined]).toEqual([false, true]);
  });

  it("is not retried before its end has been seen to: that would take back what the retry does", async () => {
    const runs = refused(1);
    const rig = createEngineRig([runs]);
    const services = { act: async () => 1, isAmongFirst: () => true };
    const dueRuns = { ...rig.journal, retire: () => Promise.reject(new Error("lost")) };
    await expect(rig.start(runs, {}, { services, dueRuns })).rejects.toThrow("lost");
    const ref = rig.journal.runs()[0]!;
    expect(rig.state(ref).status).toBe("failed");
    expect(await actOnRun(rig.parts(), ref, retry)).toMatchObject({ kind: "refused" });
    await rig.clock.advance(120_000);
    expect(await sweep(rig.parts())).toEqual({ seen: 1, triggered: 0, forgotten: 1 });
    expect(await actOnRun(rig.parts(), ref, retry)).toEqual({ kind: "done" });
  });
});

describe("a run that is parked", () => {
  it("by a defect goes on when it is resumed or retried and the defect is mended", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("before", (step) => ctx.services.act("before", step));
      if (ctx.services.isAmongFirst("defect", 1)) throw new TypeError("x is undefined");
      return "mended";
    });
    for (const act of [retry, { kind: "resume" } as const]) {
      await everyWay({ definitions: [runs], acts: [{ ...whenParked, act }] }, ({ state, did }) => {
        expect(state).toMatchObject({ status: "completed", output: "mended" });
        expect(did).toEqual(["before"]);
      });
    }
  });

  it("stays parked whatever else comes", async () => {
    const runs = runOf(() => Promise.reject(new TypeError("a defect")));
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    await actOnRun(rig.parts(), ref, { kind: "signal", id: "a", name: "word", payload: 1 });
    expect(await actOnRun(rig.parts(), ref, { kind: "pause" })).toMatchObject({ kind: "refused" });
    await rig.deliverAll();
    await rig.clock.advance(2 * 86_400_000);
    await sweep(rig.parts());
    await rig.deliverAll();
    expect(rig.state(ref)).toMatchObject({ status: "parked", segments: 1 });
  });
});
