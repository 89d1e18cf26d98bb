/** E7: everything is bounded, and says so. */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import { formatEntry, outside, type OutsideRecord } from "../../src/engine/journal-entry.ts";
import { createNumbering } from "../../src/engine/number-steps.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { runOf } from "../support/play-run.ts";

const steps = (count: number, result: () => unknown = () => 1) =>
  runOf(async (ctx) => {
    for (let number = 0; number < count; number += 1) await ctx.step("do", result);
  });

describe("a run", () => {
  it("has at most ten thousand steps, and is parked before the next", async () => {
    const rig = createEngineRig([steps(limits.runStepsMax)]);
    const fits = await rig.start(steps(limits.runStepsMax));
    await rig.deliverAll();
    expect(rig.state(fits).status).toBe("completed");
    const more = steps(limits.runStepsMax + 1);
    const { registry } = createEngineRig([more]).parts();
    const ref = await rig.start(more, {}, { registry });
    await rig.deliverAll({ registry });
    expect(rig.state(ref)).toMatchObject({ status: "parked", parked: { failure: { code: "too_many_steps" } } });
    expect(rig.state(ref).settled).toHaveLength(limits.runStepsMax);
  });

  it("has no more waits than steps at once", async () => {
    const runs = runOf((ctx) =>
      ctx.all(Array.from({ length: limits.runStepsMax + 1 }, (_nap, index) => ctx.sleep(`nap ${index}`, "1h"))),
    );
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    expect(rig.state(ref).parked?.failure.code).toBe("too_many_steps");
  });

  it("is parked when its journal has grown too large, before the step that would be next", async () => {
    const large = "x".repeat(limits.stepResultBytesMax - 2);
    const runs = steps(100, () => large);
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    await rig.deliverAll();
    const state = rig.state(ref);
    expect(state.parked?.failure).toMatchObject({ code: "journal_too_large" });
    expect(state.bytes).toBeGreaterThan(limits.journalBytesMax);
    expect(state.bytes).toBeLessThan(limits.journalBytesMax + 2 * limits.stepResultBytesMax);
    expect(await actOnRun(rig.parts(), ref, { kind: "compensate" })).toEqual({ kind: "done" });
    await rig.deliverAll();
    expect(rig.state(ref).status).toBe("cancelled");
  });

  it("whose journal is large because of turns that are over goes on in another segment, which compacts it", async () => {
    const large = "x".repeat(limits.stepResultBytesMax - 2);
    const runs = runOf((ctx) =>
      ctx.loop("loop", 0, async (inner, turn) => {
        await inner.step("do", () => large);
        return turn < 150 ? { kind: "next", state: turn + 1 } : { kind: "done" };
      }),
    );
    const rig = createEngineRig([runs]);
    const compaction = { aboveEntries: 10, keepEntries: 2 };
    const ref = await rig.start(runs, {}, { compaction });
    expect(rig.journal.entries(ref).at(-1)).toContain('yielded {"reason":"journal-bytes"');
    await rig.deliverAll({ compaction });
    expect(rig.state(ref)).toMatchObject({ status: "completed" });
    expect(rig.state(ref).volume).toBeGreaterThanOrEqual(2);
  });

  it("that closes a thousand segments in a row without getting anywhere is parked, and a person may let it go on", async () => {
    const runs = runOf((ctx) => ctx.waitForSignal("word"));
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    const definition = "under-test@1";
    for (let count = 0; count < limits.idleSegmentsMax; count += 1) {
      await rig.parts().queue.triggerNextStep({ ref, definition });
      await rig.deliverOne();
    }
    expect(rig.state(ref)).toMatchObject({ status: "waiting", idleSegments: limits.idleSegmentsMax });
    await rig.parts().queue.triggerNextStep({ ref, definition });
    await rig.deliverOne();
    expect(rig.state(ref).parked?.failure.code).toBe("no_progress");
    await actOnRun(rig.parts(), ref, { kind: "resume" });
    await rig.deliverOne();
    expect(rig.state(ref)).toMatchObject({ status: "waiting" });
  });

  it("refuses an input that is too large or that JSON cannot hold, before anything is written", async () => {
    const runs = steps(1);
    const rig = createEngineRig([runs]);
    for (const input of ["x".repeat(limits.runInputBytesMax - 1), 1n]) {
      await expect(rig.start(runs, input)).rejects.toThrow("the input of a run is JSON of a bounded size");
    }
    expect(rig.journal.runs()).toEqual([]);
    await rig.start(runs, "x".repeat(limits.runInputBytesMax - 2));
    expect(rig.journal.runs()).toHaveLength(1);
  });

  it("turns a loop at most a million times", async () => {
    const runs = runOf((ctx) => ctx.loop("loop", 0, async (_inner, turn) => ({ kind: "next", state: turn + 1 })));
    const last = limits.loopTurnsMax - 1;
    const rig = createEngineRig([runs]);
    const now = rig.clock.now();
    const record = (type: object): string => JSON.stringify(type);
    const ref = { userId: "usr_1", runId: "run_1" };
    const entries = [
      `- 0 ${now} started ${record({ definition: "under-test", version: 1, input: {} })}`,
      `s 0 ${now} opened ${record({ leaseMs: 30_000 })}`,
      `s 1 ${now} done ${record({ step: `loop[${last}]`, value: { kind: "next", state: 1 }, closes: "loop[" })}`,
      `s 2 ${now} yielded ${record({ reason: "steps", spent: { commands: 0, roundTrips: 0, messages: 0, subrequests: 0, wallMs: 0 } })}`,
    ];
    await rig.journal.start(ref, { entries, startedAtMs: now, dueAtMs: now });
    await rig.parts().queue.triggerNextStep({ ref, definition: "under-test@1" });
    await rig.deliverOne();
    expect(rig.state(ref)).toMatchObject({
      status: "failed",
      failure: { message: 'loop "loop" has turned 1000000 times' },
    });
  });
});

describe("the ids of signals that a run has had", () => {
  it("are remembered for the next thousand, and no longer", () => {
    const entry = (record: OutsideRecord): string => formatEntry({ writer: outside, seq: 0, at: 1, record });
    const entries = [entry({ type: "started", definition: "d", version: 1 })];
    for (let number = 0; number < limits.signalIdsKeptMax + 1; number += 1) {
      entries.push(entry({ type: "signal", id: `s${number}`, name: "$call x" }));
    }
    const { state } = foldRun(entries);
    expect(state.signalIds.size).toBe(limits.signalIdsKeptMax);
    expect([state.signalIds.has("s0"), state.signalIds.has("s1")]).toEqual([false, true]);
  });
});

describe("the names that one scope asks for", () => {
  it("are at most ten thousand", () => {
    let tooMany = 0;
    const numbered = createNumbering("", () => (tooMany += 1));
    for (let number = 0; number < limits.runStepsMax; number += 1) numbered("x");
    expect(tooMany).toBe(0);
    expect(numbered("x")).toBe(`x#${limits.runStepsMax + 1}`);
    expect(tooMany).toBe(1);
  });
});
