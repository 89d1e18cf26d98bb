import { describe, expect, it } from "vitest";
import { createMeter } from "../../src/core/meter.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

const counting = (turns: number) =>
  runOf((ctx: PlayContext) =>
    ctx.loop("count", { turn: 1, sum: 0 }, async (inner, { turn, sum }) => {
      const added = await inner.step("add", (step) => ctx.services.act(`turn ${turn}`, step, turn));
      if (turn === turns) return { kind: "done", result: sum + added };
      return { kind: "next", state: { turn: turn + 1, sum: sum + added } };
    }),
  );

describe("a loop", () => {
  it("hands each turn the state of the one before and answers with its result, however it is cut", async () => {
    await everyWay({ definitions: [counting(5)] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "completed", output: 15 });
      expect(did).toEqual([1, 2, 3, 4, 5].map((turn) => `turn ${turn}`));
    });
  });

  it("leaves nothing of its turns but the last", async () => {
    const { state, entries } = await playRun({ definitions: [counting(300)] });
    expect(state.settled.map(({ step }) => step)).toEqual(["count[299]"]);
    expect(entries.length).toBeGreaterThan(600);
  });

  it("may be nested, and come again under the same name", async () => {
    const runs = runOf(async (ctx) => {
      const totals: number[] = [];
      for (let again = 0; again < 2; again += 1) {
        totals.push(
          await ctx.loop("outer", { turn: 0, total: 0 }, async (outer, { turn, total }) => {
            const inner = await outer.loop("inner", 0, async (innermost, count) => {
              const next = await innermost.step("add", (step) => ctx.services.act(`add`, step, count + 1));
              return next < 3 ? { kind: "next", state: next } : { kind: "done", result: next };
            });
            const sum = total + inner;
            return turn < 1 ? { kind: "next", state: { turn: turn + 1, total: sum } } : { kind: "done", result: sum };
          }),
        );
      }
      return totals;
    });
    await everyWay({ definitions: [runs] }, ({ state }) => {
      expect(state.output).toEqual([6, 6]);
      expect(state.settled.map(({ step }) => step)).toEqual(["outer[1]", "outer#2[1]"]);
    });
  });

  it("may wait, have children and branch in its turns", async () => {
    const child = runOf(async (ctx) => ctx.step("work", (step) => ctx.services.act("work", step, 1)), "child");
    const runs = runOf((ctx) =>
      ctx.loop("loop", 0, async (inner, turn) => {
        await inner.sleep("nap", 5_000);
        const [number] = await inner.all([inner.child("child", child, {}), inner.step("beside", () => 1)]);
        return turn < 2 ? { kind: "next", state: turn + number } : { kind: "done", result: turn };
      }),
    );
    await everyWay({ definitions: [runs, child] }, ({ state, states }) => {
      expect(state.output).toBe(2);
      expect(states.size).toBe(4);
    });
  });

  it("whose turn throws what it does not catch fails the run with the step's failure", async () => {
    const runs = runOf((ctx) =>
      ctx.loop("loop", 0, async (inner, turn) => {
        await inner.step("fail", () => (turn === 2 ? Promise.reject(new Error("third")) : turn), { retries: 0 });
        return { kind: "next", state: turn + 1 };
      }),
    );
    await everyWay({ definitions: [runs] }, ({ state }) => {
      expect(state).toMatchObject({ status: "failed", failure: { message: "third" } });
    });
  });

  it("whose turns have steps that could be undone is parked, for they are forgotten", async () => {
    const runs = runOf((ctx) =>
      ctx.loop("loop", 0, async (inner) => {
        await inner.step("reserve", () => 1, { compensate: () => 1 });
        return { kind: "done" };
      }),
    );
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked?.failure.code).toBe("bad_definition");
  });

  it("whose turn answers with neither next nor done is parked, and does not begin anew for ever", async () => {
    const runs = runOf((ctx) => ctx.loop("loop", 0, async () => undefined as never));
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked?.failure.code).toBe("bad_definition");
  });

  it("whose turns do nothing is cut by the budget like any other, and writes what it has", async () => {
    const runs = runOf((ctx) =>
      ctx.loop("idle", 0, async (_inner, turn) => {
        return turn < 2_500 ? { kind: "next", state: turn + 1 } : { kind: "done", result: turn };
      }),
    );
    const profile = { ...budgetProfiles.paid, steps: 1_000 };
    const { state } = await playRun({ definitions: [runs], profile });
    expect(state).toMatchObject({ status: "completed", output: 2_500, segments: 3 });
  });

  it("costs the same in its ten thousandth turn as in its first: calls for each step, and bytes read for each segment", async () => {
    const runs = counting(10_000);
    const rig = createEngineRig([runs], { ...budgetProfiles.paid, steps: 500 });
    const ref = await rig.start(runs, {}, { services: { act: async (_what: string, _step: unknown, n: number) => n } });
    const read: number[] = [];
    const appends: number[] = [];
    while (rig.queued.length > 0) {
      const meter = createMeter();
      const before = rig.journal.calls.filter((name) => name === "append").length;
      await rig.deliverOne({ meter, services: { act: async (_what: string, _step: unknown, n: number) => n } });
      read.push(meter.parsedBytes);
      appends.push(rig.journal.calls.filter((name) => name === "append").length - before);
    }
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: 50_005_000 });
    expect(Math.max(...read.slice(2)) / Math.min(...read.slice(2))).toBeLessThan(1.1);
    expect(new Set(appends.slice(0, -1)).size).toBe(1);
  });
});
