import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { createDeadlines } from "../../src/engine/deadlines.ts";
import { createLazyAbort } from "../../src/engine/lazy-abort.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import { manualClock, settle } from "../fakes/clock.ts";
import { createEngineRig } from "../support/engine-rig.ts";

function watched() {
  const clock = manualClock();
  const pauses: number[] = [];
  const over = new AbortController();
  const pause = (ms: number, signal: AbortSignal): Promise<void> => {
    pauses.push(ms);
    return clock.pause(ms, signal);
  };
  const missed: string[] = [];
  const deadlines = createDeadlines({ clock, pause, signal: over.signal });
  return {
    clock,
    over,
    pauses,
    missed,
    set: (ms: number, name: string) => deadlines.set(ms, () => void missed.push(name)),
  };
}

describe("the deadlines of a segment", () => {
  it("share one timer while each is met before the next is set", () => {
    const { set, pauses } = watched();
    for (let step = 0; step < 100; step += 1) set(30_000, `step ${step}`)();
    expect(pauses).toEqual([30_000]);
  });

  it("are missed at their own times, in whatever order they were set", async () => {
    const { set, clock, missed } = watched();
    set(30_000, "late");
    set(1_000, "early");
    set(0, "at once");
    await clock.advance(0);
    expect(missed).toEqual(["at once"]);
    await clock.advance(999);
    expect(missed).toEqual(["at once"]);
    await clock.advance(1);
    expect(missed).toEqual(["at once", "early"]);
    await clock.advance(28_999);
    expect(missed).toEqual(["at once", "early"]);
    await clock.advance(1);
    expect(missed).toEqual(["at once", "early", "late"]);
  });

  it("that were met are never missed, and do not hide a later one", async () => {
    const { set, clock, missed } = watched();
    const meet = set(1_000, "met");
    await clock.advance(500);
    set(1_000, "kept");
    meet();
    await clock.advance(500);
    expect(missed).toEqual([]);
    await clock.advance(500);
    expect(missed).toEqual(["kept"]);
  });

  it("are not missed after the segment is over", async () => {
    const { set, clock, missed, over } = watched();
    set(1_000, "forgotten");
    over.abort();
    await clock.advance(2_000);
    expect(missed).toEqual([]);
  });
});

describe("a lazy abort", () => {
  it("gives a signal that is aborted with the first reason, whether it was asked for before or after", () => {
    for (const isAskedBefore of [true, false]) {
      const abort = createLazyAbort();
      const before = isAskedBefore ? abort.signal : undefined;
      abort.abort("first");
      abort.abort("second");
      expect(abort.signal).toMatchObject({ aborted: true, reason: "first" });
      if (before !== undefined) expect(before).toBe(abort.signal);
    }
  });
});

describe("a step that takes longer than its timeout", () => {
  it("fails, aborts its signal, and what it returns later changes nothing", async () => {
    const signals: AbortSignal[] = [];
    const late = Promise.withResolvers<string>();
    const slow = defineRun({
      name: "slow",
      version: 1,
      input: z.object({}),
      async run(ctx) {
        try {
          return await ctx.step("wait", ({ signal }) => (signals.push(signal), late.promise), {
            timeout: "2s",
            retries: 0,
          });
        } catch (error) {
          return (error as Error).message;
        }
      },
    });
    const rig = createEngineRig([slow]);
    const started = rig.start(slow);
    await settle();
    await rig.clock.advance(1_999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await rig.clock.advance(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    late.resolve("too late");
    const ref = await started;
    expect(rig.state(ref)).toMatchObject({
      status: "completed",
      output: 'step "wait" failed: no result within 2000 ms',
    });
  });
});
