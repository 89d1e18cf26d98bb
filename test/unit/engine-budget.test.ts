/** What one segment may spend, and how much of it is learned from those that were killed. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMeter } from "../../src/core/meter.ts";
import { budgetProfiles, cpuWeights, createSegmentBudget, type BudgetProfile } from "../../src/engine/budget.ts";
import {
  afterDeath,
  afterFullSegment,
  formatLearnedBudget,
  parseLearnedBudget,
} from "../../src/engine/learned-budget.ts";
import { manualClock } from "../fakes/clock.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { playRun, runOf } from "../support/play-run.ts";

const wide: BudgetProfile = {
  name: "paid",
  wallMs: 7_500,
  steps: 1_000,
  subrequests: 1_000,
  subrequestsReserved: 10,
  cpuMs: 1_000,
};

function budgetOf(o: { profile?: Partial<BudgetProfile>; stepsMax?: number } = {}) {
  const clock = manualClock();
  const meter = createMeter();
  const profile = { ...wide, ...o.profile };
  const startedAtMs = clock.now();
  const budget = createSegmentBudget({ profile, stepsMax: o.stepsMax ?? Infinity, meter, clock, startedAtMs });
  return { budget, clock, meter };
}

describe("a segment's budget", () => {
  it("always admits the first step, whatever was spent before", async () => {
    const { budget, clock, meter } = budgetOf({ profile: { steps: 0, cpuMs: 0 }, stepsMax: 0 });
    meter.subrequests = 10_000;
    meter.parsedBytes = 1e9;
    await clock.advance(60_000);
    expect(budget.admit(0)).toBeUndefined();
    expect(budget.admit(0)).toBeDefined();
  });

  it("ends by wall time, to the millisecond", async () => {
    const { budget, clock } = budgetOf();
    budget.admit(0);
    await clock.advance(7_499);
    expect(budget.admit(0)).toBeUndefined();
    await clock.advance(1);
    expect(budget.admit(0)).toBe("wall-time");
  });

  it("ends by steps: the profile's, or what was learned if that is less", () => {
    const steps = (o: Parameters<typeof budgetOf>[0]): number => {
      const { budget } = budgetOf(o);
      while (budget.admit(0) === undefined);
      return budget.steps();
    };
    expect(steps({ profile: { steps: 7 } })).toBe(7);
    expect(steps({ profile: { steps: 7 }, stepsMax: 3 })).toBe(3);
    expect(steps({ profile: { steps: 7 }, stepsMax: 30 })).toBe(7);
  });

  it("ends by subrequests while there are enough left for its end, those of steps under way included", () => {
    const { budget, meter } = budgetOf({ profile: { subrequests: 50, subrequestsReserved: 6 } });
    budget.admit(0);
    meter.subrequests = 43;
    expect(budget.admit(0)).toBeUndefined();
    meter.subrequests = 44;
    expect(budget.admit(0)).toBe("subrequests");
    meter.subrequests = 10;
    expect(budget.admit(16)).toBeUndefined();
    expect(budget.admit(17)).toBe("subrequests");
  });

  it("ends by the CPU that its steps, calls and bytes are estimated to cost", () => {
    const { budget, meter } = budgetOf({ profile: { cpuMs: 10 } });
    budget.admit(0);
    meter.subrequests = 20;
    meter.parsedBytes = ((10 - 20 * cpuWeights.subrequest - cpuWeights.step) / cpuWeights.parsedKib) * 1024 - 1;
    expect(budget.admit(0)).toBeUndefined();
    expect(budget.admit(0)).toBe("cpu");
  });

  it("has time for a wait that ends before its wall time does", async () => {
    const { budget, clock } = budgetOf();
    await clock.advance(5_500);
    expect([budget.hasTimeFor(1_999), budget.hasTimeFor(2_000)]).toEqual([true, false]);
  });
});

describe("a run on the free plan", () => {
  it("of twenty steps stays in one segment, and of a hundred is cut before it has used up fifty subrequests", async () => {
    const many = (count: number) =>
      runOf(async (ctx) => {
        for (let number = 0; number < count; number += 1) await ctx.step("do", (step) => ctx.services.act("do", step));
      });
    const twenty = await playRun({ definitions: [many(20)], profile: budgetProfiles.free });
    expect(twenty.state.segments).toBe(1);
    const rig = createEngineRig([many(100)], budgetProfiles.free);
    const used: number[] = [];
    const services = { act: async () => null };
    const meters = (): ReturnType<typeof createMeter> => createMeter();
    const first = meters();
    const counting = (meter: ReturnType<typeof createMeter>) => ({
      ...rig.journal,
      append: (...args: Parameters<typeof rig.journal.append>) => {
        meter.subrequests += 1;
        return rig.journal.append(...args);
      },
    });
    await rig.start(many(100), {}, { services, meter: first, journal: counting(first) });
    used.push(first.subrequests);
    while (rig.queued.length > 0) {
      const meter = meters();
      await rig.deliverOne({ services, meter, journal: counting(meter) });
      used.push(meter.subrequests);
    }
    expect(used.length).toBeGreaterThan(1);
    expect(Math.max(...used)).toBeLessThanOrEqual(50);
  });
});

describe("what is learned from a segment that was killed", () => {
  it("is half of the steps that it had begun, one at least", () => {
    expect([0, 1, 5, 6, 100].map((settled) => afterDeath(settled).stepsMax)).toEqual([1, 1, 3, 3, 50]);
    expect(afterDeath(5)).toEqual({ stepsMax: 3, killedAtSteps: 6 });
  });

  it("grows by one with each full segment up to what once killed, and above that is doubled", () => {
    let learned = afterDeath(5);
    const numbers = Array.from({ length: 6 }, () => (learned = afterFullSegment(learned)).stepsMax);
    expect(numbers).toEqual([4, 5, 6, 12, 24, 48]);
  });

  it("converges on any limit: from then on all but the probing segments live, and half of it is always used", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 2_000 }), (limit, first) => {
        let learned = { stepsMax: first, killedAtSteps: Infinity };
        const history: { size: number; isKilled: boolean }[] = [];
        for (let segment = 0; segment < 900; segment += 1) {
          const isKilled = learned.stepsMax > limit;
          history.push({ size: Math.min(learned.stepsMax, limit), isKilled });
          learned = isKilled ? afterDeath(limit) : afterFullSegment(learned);
          expect(learned.stepsMax).toBeGreaterThanOrEqual(1);
        }
        const later = history.slice(450);
        const kills = later.filter(({ isKilled }) => isKilled).length;
        expect(kills).toBeLessThanOrEqual(Math.ceil(450 / Math.max(1, Math.floor(limit / 2))) + 1);
        expect(Math.min(...later.map(({ size }) => size))).toBeGreaterThanOrEqual(Math.floor((limit + 1) / 2));
      }),
    );
  });

  it("is written so that it is read back, and anything else counts as nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), fc.integer({ min: 1, max: 999_999_999 }), (a, b) => {
        const learned = { stepsMax: a, killedAtSteps: b };
        expect(parseLearnedBudget(formatLearnedBudget(learned))).toEqual(learned);
      }),
    );
    for (const text of [undefined, "", "5", "0:3", "3:0", "-1:4", "1.5:2", "5:6:7", " 5:6", "x:y", "1e3:4"]) {
      expect(parseLearnedBudget(text)).toBeUndefined();
    }
  });

  it("counts what budgets count: loops' turns and waits like steps, so that it is really less", async () => {
    const runs = runOf((ctx) =>
      ctx.loop("loop", 0, async (inner, turn) => {
        await inner.step("do", (step) => ctx.services.act(`turn ${turn}`, step));
        return turn < 40 ? { kind: "next", state: turn + 1 } : { kind: "done" };
      }),
    );
    // The platform kills an isolate at its thirteenth body.
    const { planned, fates } = await import("../simulation/director.ts");
    const killer = planned(({ isolate }) => (isolate.steps > 12 ? fates.killBefore : undefined));
    const { state, trace } = await playRun({ definitions: [runs] }, killer);
    expect(state.status).toBe("completed");
    expect(trace.filter((line) => line.endsWith("dies")).length).toBeLessThanOrEqual(3);
  });
});
