/** Steps beside each other: limits, early failures, and the same path when they are replayed. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StepFailed } from "../../src/engine/failures.ts";
import { fates, planned } from "../simulation/director.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

const fail = (): never => {
  throw new Error("no");
};

describe("parallel steps", () => {
  it("each happen once, and answer in the order in which they were asked for", async () => {
    const runs = runOf((ctx) =>
      ctx.all([1, 2, 3].map((number) => ctx.step("do", (step) => ctx.services.act(`do ${number}`, step, number)))),
    );
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state.output).toEqual([1, 2, 3]);
      expect(did.toSorted()).toEqual(["do 1", "do 2", "do 3"]);
    });
  });

  it("are at most 24 under way at once", async () => {
    let underWay = 0;
    let most = 0;
    const runs = runOf((ctx) =>
      ctx.all(
        Array.from({ length: 100 }, () =>
          ctx.step("do", async () => {
            underWay += 1;
            most = Math.max(most, underWay);
            await ctx.services.pause(10);
            underWay -= 1;
          }),
        ),
      ),
    );
    const { state } = await playRun({ definitions: [runs] });
    expect(state.settled).toHaveLength(100);
    expect(most).toBe(24);
  });

  it("are all waited for when one has failed, and the first failure in the order given is thrown", async () => {
    const runs = runOf((ctx) =>
      ctx.all([
        ctx.step("slow", (step) => ctx.services.act("slow", step)),
        ctx.step("second", fail, { retries: 0 }),
        ctx.step("third", fail, { retries: 0 }),
      ]),
    );
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "failed", failure: { message: "no" } });
      expect(state.settled.map(({ step }) => step).toSorted()).toEqual(["second", "slow", "third"]);
      expect(did).toEqual(["slow"]);
    });
  });

  it("may stand in branches of their own, which may catch what fails in them", async () => {
    const branch = async (ctx: PlayContext, name: string, isFailing: boolean): Promise<string> => {
      try {
        await ctx.step(`${name} 1`, isFailing ? fail : () => 1, { retries: 0 });
        await ctx.step(`${name} 2`, (step) => ctx.services.act(name, step));
        return name;
      } catch (error) {
        return error instanceof StepFailed ? `${name} without` : "a defect";
      }
    };
    const runs = runOf((ctx) => ctx.all([branch(ctx, "a", false), branch(ctx, "b", true), branch(ctx, "c", false)]));
    await everyWay({ definitions: [runs] }, ({ state }) => {
      expect(state.output).toEqual(["a", "b without", "c"]);
    });
  });

  it("of none at all answer at once", async () => {
    await everyWay({ definitions: [runOf((ctx) => ctx.all([]))] }, ({ state }) => expect(state.output).toEqual([]));
  });
});

/** Branches that race for a shared list: who comes first decides what is done next. */
const race = (depth: number) =>
  runOf(async (ctx, { branches }: { branches: readonly (readonly number[])[] }) => {
    const order: string[] = [];
    const deep = async (turns: number): Promise<void> => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    };
    await ctx.all(
      branches.map(async (pauses, branch) => {
        for (const ms of pauses) {
          await ctx.step(`b${branch}`, () => ctx.services.pause(ms));
          await deep(depth);
          order.push(`${branch}`);
          // What comes first is asked for under the name of its place.
          await ctx.step(`place ${order.length}`, () => `${branch}`);
        }
      }),
    );
    return order.join("");
  });

describe("the order in which parallel steps end", () => {
  it("decides the path once: a run that is cut anywhere goes the way that it had begun", async () => {
    const pauses = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 3 }), {
      minLength: 2,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(pauses, fc.integer({ min: 2, max: 12 }), async (branches, callNumber) => {
        let count = 0;
        const cut = planned((call) => {
          if (call.name.startsWith("effect")) return undefined;
          count += 1;
          return count === callNumber ? fates.killAfter : undefined;
        });
        const { state } = await playRun({ definitions: [race(0)], input: { branches } }, cut);
        expect(state.status).toBe("completed");
        // The places were given out one after the other, each to the branch that the output names.
        const given = state.settled.filter(({ step }) => step.startsWith("place"));
        const byPlace = given.toSorted((a, b) => Number(a.step.slice(6)) - Number(b.step.slice(6)));
        const winners = byPlace.map(({ outcome }) => (outcome.kind === "done" ? outcome.value : undefined));
        expect(winners.join("")).toBe(state.output);
      }),
      { numRuns: 150 },
    );
  });

  it("is kept also where the code takes eighty awaits between two steps", async () => {
    const branches = [
      [5, 1, 30],
      [20, 3],
      [1, 60],
    ];
    for (let callNumber = 2; callNumber < 16; callNumber += 1) {
      let count = 0;
      const cut = planned(() => ((count += 1) === callNumber ? fates.killAfter : undefined));
      const { state } = await playRun({ definitions: [race(80)], input: { branches } }, cut);
      expect(state.status).toBe("completed");
    }
  });

  it("is not taken for a divergence when the code takes a thousand awaits before it asks for a recorded step", async () => {
    const runs = runOf((ctx) =>
      ctx.all([
        ctx.step("long", () => ctx.services.pause(20_000)),
        (async () => {
          for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve();
          return ctx.step("slow to ask", () => 1);
        })(),
      ]),
    );
    let appends = 0;
    // Dies at its first sign of life, when "slow to ask" is recorded and "long" is not.
    const cut = planned(({ name }) =>
      name.startsWith("append") && (appends += 1) === 1 ? fates.killAfter : undefined,
    );
    const { state } = await playRun({ definitions: [runs] }, cut);
    expect(state).toMatchObject({ status: "completed", segments: 2 });
  });
});

describe("code that awaits something that is no step", () => {
  it("parks the run after ten seconds, whether it has begun or is replayed", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("first", () => 1);
      await new Promise(() => {});
    });
    const isOver = ({ status }: { status: string }): boolean => status === "parked";
    for (const dies of [false, true]) {
      let appends = 0;
      const director = planned(({ name }) =>
        dies && name.startsWith("append") && (appends += 1) === 1 ? fates.killAfter : undefined,
      );
      const { state, elapsedMs } = await playRun({ definitions: [runs], isOver }, director);
      expect(state.parked?.failure.code).toBe("code_stalled");
      if (!dies) expect(elapsedMs).toBe(10_000);
    }
  });

  it("parks the run also before a step that is recorded", async () => {
    let passes = 0;
    const runs = runOf(async (ctx) => {
      passes += 1;
      if (passes > 1) await new Promise(() => {});
      await ctx.step("first", () => 1);
      await ctx.step("second", () => 2);
    });
    const director = planned(({ name }) => (name.startsWith("append") && passes === 1 ? fates.killAfter : undefined));
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" }, director);
    expect(state.parked?.failure.code).toBe("code_stalled");
  });
});
