/** Who has a run, and what those do who had it. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { openSegment } from "../../src/engine/open-segment.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { fates, planned, type Director } from "../simulation/director.ts";
import type { Call } from "../simulation/things.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { playRun, runOf } from "../support/play-run.ts";

const isParked = ({ status }: RunState): boolean => status === "parked";
const deaths = (trace: readonly string[]): number => trace.filter((line) => line.endsWith("dies")).length;

/** The first calls of a name have these fates, in order. */
function first(
  name: string,
  given: (typeof fates)[keyof typeof fates][],
): (call: Call) => (typeof given)[number] | undefined {
  const left = [...given];
  return (call) => (call.name.startsWith(name) ? left.shift() : undefined);
}

const long = runOf(async (ctx) => {
  await ctx.step(
    "long",
    async (step) => {
      await ctx.services.pause(180_000);
      return ctx.services.act("long", step);
    },
    { timeout: "10m" },
  );
  return "done";
});

describe("a step that takes minutes", () => {
  it("keeps its lease by a sign of life every eight seconds, and is taken over by nobody", async () => {
    const { state, happened, trace } = await playRun({ definitions: [long] });
    expect(state).toMatchObject({ status: "completed", segments: 1 });
    expect(happened).toEqual(["long"]);
    const beats = trace.filter((line) => line.includes("append"));
    expect(beats.length).toBeGreaterThanOrEqual(180 / 8 - 1);
    expect(trace.filter((line) => line.endsWith(" sweep")).length).toBeGreaterThanOrEqual(2);
  });

  it("keeps it also when a sign of life fails, and when one of the clocks is four seconds wrong", async () => {
    const lost = [fates.failBefore, fates.failBefore, fates.failBefore, fates.failAfter];
    const { state, happened } = await playRun({ definitions: [long] }, planned(first("append", lost)));
    expect([state.segments, happened]).toEqual([1, ["long"]]);
    for (const skews of [
      [4_000, -4_000],
      [-4_000, 4_000],
    ]) {
      const skewed: Director = { ...planned(() => undefined), skewMs: ({ id }) => skews[id === 1 ? 0 : 1]! };
      expect((await playRun({ definitions: [long] }, skewed)).state.segments).toBe(1);
    }
  });

  it("loses nothing that was decided beside it when a sign of life fails", async () => {
    const runs = runOf((ctx) =>
      ctx.all([
        ctx.step("long", () => ctx.services.pause(25_000).then(() => 1)),
        ctx.step("quick", (step) => ctx.services.act("quick", step, 2)),
      ]),
    );
    const lost = [fates.failBefore, fates.failBefore, fates.failBefore];
    const { state, happened } = await playRun({ definitions: [runs] }, planned(first("append", lost)));
    expect(state).toMatchObject({ status: "completed", output: [1, 2], segments: 1 });
    expect(happened).toEqual(["quick"]);
  });
});

describe("a segment that dies", () => {
  const twoSteps = runOf(async (ctx) => {
    await ctx.sleep("nap", 5_000);
    await ctx.step("a", (step) => ctx.services.act("a", step));
    await ctx.step("b", (step) => ctx.services.act("b", step));
  });

  it("is followed at once by the next delivery of its own message", async () => {
    const { state, elapsedMs } = await playRun(
      { definitions: [twoSteps] },
      planned(first("effect", [fates.killAfter])),
    );
    // It does half of what the dead one had begun, so there is one more.
    expect(state).toMatchObject({ status: "completed", segments: 4 });
    expect(elapsedMs).toBe(5_000 + 1_000);
  });

  it("without a message is found by the sweep when its lease has run out", async () => {
    const runs = runOf((ctx) => ctx.step("a", (step) => ctx.services.act("a", step)));
    const { state, elapsedMs } = await playRun({ definitions: [runs] }, planned(first("effect", [fates.killAfter])));
    expect(state).toMatchObject({ status: "completed", segments: 2 });
    expect(elapsedMs).toBeLessThanOrEqual(limits.leaseMs + limits.sweepSlackMs + 60_000);
  });

  it("three times at its first step parks the run and names the step", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("fine", (step) => ctx.services.act("fine", step));
      await ctx.step("deadly", (step) => ctx.services.act("deadly", step));
    });
    const killer = planned(({ name }) => (name.endsWith("/deadly") ? fates.killBefore : undefined));
    const { state, trace } = await playRun({ definitions: [runs], isOver: isParked }, killer);
    expect(state.parked).toMatchObject({ step: "deadly", failure: { code: "deadly_step" } });
    expect(state.parked?.failure.message).toContain('Step "deadly"');
    // The first death was after "fine": it may have been the two together that were too much.
    expect(deaths(trace)).toBe(4);
  });

  it("three times between its steps parks the run without a name", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.sleep("nap", 5_000);
      await ctx.step("never", () => 1);
    });
    const killer = planned(({ name }) => (name.startsWith("append") ? fates.killBefore : undefined));
    let appends = 0;
    const later: Director = {
      ...killer,
      fate: (call) => (call.name.startsWith("append") && (appends += 1) <= 3 ? fates.killBefore : fates.happen),
    };
    const { state } = await playRun({ definitions: [runs], isOver: isParked }, later);
    expect(state.parked?.failure.code).toBe("deadly_step");
  });

  it("in its compensation three times names the undoing", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("flight", () => 1, { compensate: (_result, step) => ctx.services.act("undo", step) });
      await ctx.step("fail", () => Promise.reject(new Error("no")), { retries: 0 });
    });
    const killer = planned(({ name }) => (name.endsWith("undo flight") ? fates.killBefore : undefined));
    const { state } = await playRun({ definitions: [runs], isOver: isParked }, killer);
    expect(state.parked).toMatchObject({ step: "undo flight", failure: { code: "deadly_step" } });
  });

  it("goes on when a person resumes it, and has three lives again", async () => {
    const runs = runOf((ctx) => ctx.step("deadly", (step) => ctx.services.act("deadly", step, "lived")));
    const killer = planned(first("effect", Array<typeof fates.killBefore>(5).fill(fates.killBefore)));
    const acts = [{ when: isParked, act: { kind: "resume" } as const }];
    const { state } = await playRun({ definitions: [runs], acts }, killer);
    expect(state).toMatchObject({ status: "completed", output: "lived" });
  });
});

describe("a segment that has lost its lease", () => {
  it("hears of it at its next sign of life, and ends what it had begun", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.sleep("nap", 5_000);
      for (const what of ["a", "b", "c"]) await ctx.step(what, (step) => ctx.services.act(what, step));
    });
    // The first isolate to do "a" freezes for two minutes; the queue has long delivered again.
    let isFrozen = false;
    const frozen: Director = {
      ...planned(() => undefined),
      freezeMs: ({ name }) => (name.endsWith("/a") && !isFrozen ? ((isFrozen = true), 120_000) : 0),
      patienceMs: () => 10_000,
    };
    const { state, happened, trace } = await playRun({ definitions: [runs] }, frozen);
    expect(state.status).toBe("completed");
    expect(happened).toEqual(["a", "b", "c"]);
    expect(trace.some((line) => line.includes("superseded"))).toBe(true);
  });

  it("is told by its first flush, does nothing more, and its delivery is answered as done", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.sleep("nap", 5_000);
      await ctx.step("a", () => ctx.services.pause(5_000));
      await ctx.step("b", (step) => ctx.services.act("b", step));
    });
    const impatient: Director = { ...planned(() => undefined), patienceMs: () => 50 };
    const { trace, happened } = await playRun({ definitions: [runs] }, impatient);
    expect(trace.some((line) => line.includes("superseded"))).toBe(true);
    expect(happened).toEqual(["b"]);
  });

  it("does not begin the body that waits for nothing but a flush which brings the news", async () => {
    const did: string[] = [];
    const runs = runOf(async (ctx) => {
      await ctx.sleep("nap", 60_000);
      await ctx.step("a", async () => {
        did.push("a");
        if (did.length === 1) await takeOver();
      });
      await ctx.step("b", () => void did.push("b"));
    });
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    await rig.clock.advance(60_000);
    const { trigger } = rig.queued[0]!;
    /** The queue delivers the message again while the first attempt is in the middle of "a". */
    async function takeOver(): Promise<void> {
      expect(await openSegment(rig.parts(), trigger, { messageId: "m", retried: 1 })).toMatchObject({ kind: "ran" });
    }
    const outcome = await openSegment(rig.parts(), trigger, { messageId: "m", retried: 0 });
    expect(outcome).toEqual({ kind: "ran", end: "superseded" });
    await rig.deliverAll();
    expect(did).toEqual(["a", "a", "b"]);
    expect(rig.state(ref).status).toBe("completed");
  });
});

describe("a trigger", () => {
  const napping = runOf((ctx) => ctx.sleep("nap", 60_000));

  it("finds nothing where there is no run, or where the run is over or has gone on without it", async () => {
    const rig = createEngineRig([napping]);
    const nobody = { ref: { userId: "usr_1", runId: "run_nobody" }, definition: "under-test@1" };
    expect(await openSegment(rig.parts(), nobody, undefined)).toEqual({ kind: "unknown" });
    const ref = await rig.start(napping);
    const [queued] = rig.queued;
    await rig.deliverAll();
    expect(rig.state(ref).status).toBe("completed");
    expect(await openSegment(rig.parts(), queued!.trigger, undefined)).toEqual({ kind: "stale" });
  });

  it("waits while somebody else has the run, and is told for how long", async () => {
    const rig = createEngineRig([napping]);
    const ref = { userId: "usr_1", runId: "run_1" };
    const busy = runOf((ctx) => ctx.step("hang", () => new Promise(() => {})));
    const { registry } = createEngineRig([busy]).parts();
    const { startInline } = await import("../../src/engine/start-inline.ts");
    await startInline(rig.parts({ registry }), { ref, definition: busy, input: {} });
    await rig.clock.advance(5_000);
    const trigger = { ref, definition: "under-test@1" };
    expect(await openSegment(rig.parts({ registry }), trigger, undefined)).toEqual({
      kind: "held",
      retryAfterMs: 25_000,
    });
  });

  it("of the same message and the same attempt, which comes twice, opens once", async () => {
    const rig = createEngineRig([napping]);
    await rig.start(napping);
    await rig.clock.advance(30_000);
    const trigger = { ...rig.queued[0]!.trigger };
    const delivery = { messageId: "m", retried: 0 };
    const outcomes = [
      await openSegment(rig.parts(), trigger, delivery),
      await openSegment(rig.parts(), trigger, delivery),
    ];
    expect(outcomes.map(({ kind }) => kind)).toEqual(["ran", "stale"]);
  });

  it("breaks off where storage does not answer, and the run is as it was", async () => {
    const rig = createEngineRig([napping]);
    const ref = await rig.start(napping);
    const before = JSON.stringify(rig.state(ref));
    const journal = { ...rig.journal, open: () => Promise.reject(new AppError("redis_unavailable", "lost")) };
    await expect(openSegment(rig.parts({ journal }), rig.queued[0]!.trigger, undefined)).rejects.toThrow("lost");
    expect(JSON.stringify(rig.state(ref))).toBe(before);
  });
});
