/** E4: what a run has done is undone when it fails: exactly that, the last first, each journaled and retried like a step. */
import { describe, expect, it } from "vitest";
import { RunFailed } from "../../src/engine/failures.ts";
import { viewCompensation } from "../../src/engine/run-view.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { fates, planned } from "../simulation/director.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

interface Undoing {
  readonly undoFails?: number;
  readonly compensateRetries?: number;
}

/** A step that can be undone; its undoing fails so many times. */
function reserve(ctx: PlayContext, what: string, o: Undoing = {}): Promise<string> {
  return ctx.step(what, (step) => ctx.services.act(what, step, `id of ${what}`), {
    ...(o.compensateRetries === undefined ? {} : { compensateRetries: o.compensateRetries }),
    async compensate(id, step) {
      await ctx.services.act(`undo ${id}`, step);
      if (ctx.services.isAmongFirst(step.idempotencyKey, o.undoFails ?? 0)) throw new Error("not now");
    },
  });
}

const isParked = ({ status }: RunState): boolean => status === "parked";
const undone = (did: readonly string[]): string[] => did.filter((what) => what.startsWith("undo"));

describe("a run that fails", () => {
  it("undoes what it has done in reverse order, and nothing else, however it is cut", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      await ctx.step("note", (step) => ctx.services.act("note", step));
      await reserve(ctx, "hotel");
      await reserve(ctx, "car");
      throw new RunFailed("no visa", { code: "no_visa" });
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "failed", failure: { code: "no_visa", message: "no visa" } });
      expect(undone(did)).toEqual(["undo id of car", "undo id of hotel", "undo id of flight"]);
    });
  });

  it("by a step undoes what was before it, not the step", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      await ctx.step("hotel", () => Promise.reject(new Error("full")), { retries: 0, compensate: () => 1 });
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "failed", failure: { message: "full" } });
      expect(undone(did)).toEqual(["undo id of flight"]);
    });
  });

  it("sees to its end what it has left behind and may have happened, and undoes it", async () => {
    const runs = runOf(async (ctx) => {
      const charge = ctx.step("charge", (step) => ctx.services.act("charge", step), {
        backoff: "10s",
        compensate: (_result, step) => ctx.services.act("refund", step),
      });
      await Promise.all([charge, ctx.step("hotel", () => Promise.reject(new Error("full")), { retries: 0 })]);
    });
    let lost = 0;
    const losing = planned(({ name }) =>
      name.startsWith("effect run_1/charge") && (lost += 1) === 1 ? fates.failAfter : undefined,
    );
    const { state, happened } = await playRun({ definitions: [runs] }, losing);
    expect(state).toMatchObject({ status: "failed", failure: { message: "full" } });
    expect(happened).toEqual(["charge", "charge", "refund"]);
  });

  it("in one of several branches undoes those that were done", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.all([
        reserve(ctx, "a"),
        ctx.step("b", () => Promise.reject(new Error("full")), { retries: 0, compensate: () => 1 }),
        reserve(ctx, "c"),
      ]);
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state.status).toBe("failed");
      expect(undone(did).toSorted()).toEqual(["undo id of a", "undo id of c"]);
    });
  });

  it("without anything to undo just ends", async () => {
    await everyWay({ definitions: [runOf(() => Promise.reject(new RunFailed("no")))] }, ({ state }) => {
      expect(state).toMatchObject({ status: "failed", undoing: undefined });
    });
  });

  it("undoes nothing when it completes, nor when a failure was caught", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      await ctx.step("hotel", () => Promise.reject(new Error("full")), { retries: 0 }).catch(() => undefined);
      return "without a hotel";
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "completed", output: "without a hotel" });
      expect(undone(did)).toEqual([]);
    });
  });

  it("with an error that is not known is parked, and undoes nothing: it may be a defect of ours", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      throw new TypeError("x is not a function");
    });
    await everyWay({ definitions: [runs], isOver: isParked }, ({ state, did }) => {
      expect(state.parked?.failure).toMatchObject({ name: "TypeError" });
      expect(undone(did)).toEqual([]);
    });
  });
});

describe("an undoing", () => {
  it("that fails is tried again, in other segments if need be", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight", { undoFails: 4 });
      await reserve(ctx, "hotel", { undoFails: 1 });
      throw new RunFailed("no");
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state.status).toBe("failed");
      expect(undone(did)).toEqual(["undo id of hotel", "undo id of flight"]);
    });
  });

  it("is tried nine times in all when nothing is said; then the run is parked and names it", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      await reserve(ctx, "hotel", { undoFails: 100 });
      throw new RunFailed("no");
    });
    const { state, happened } = await playRun({ definitions: [runs], isOver: isParked });
    expect(state.parked).toMatchObject({ step: "undo hotel", failure: { message: "not now" } });
    expect(happened.filter((what) => what === "undo id of hotel")).toHaveLength(9);
    expect(viewCompensation(state)).toEqual(["hotel", "flight"]);
  });

  it.each(["retry", "resume"] as const)(
    "that has parked the run goes on by %s, and what was undone is not undone again",
    async (kind) => {
      const runs = runOf(async (ctx) => {
        await reserve(ctx, "flight", { undoFails: 3, compensateRetries: 1 });
        await reserve(ctx, "hotel");
        throw new RunFailed("no");
      });
      const acts = [1, 2].map(() => ({ when: isParked, act: { kind }, afterMs: 1_000 }));
      const { state, happened } = await playRun({ definitions: [runs], acts });
      expect(state).toMatchObject({ status: "failed", failure: { message: "no" } });
      expect(undone(happened)).toEqual(["undo id of hotel", ...Array<string>(4).fill("undo id of flight")]);
      await everyWay({ definitions: [runs], acts }, (played) => expect(played.state.status).toBe("failed"));
    },
  );

  it("for which the code no longer has a word parks the run", async () => {
    let passes = 0;
    const runs = runOf(async (ctx) => {
      passes += 1;
      await ctx.step("flight", () => 1, passes === 1 ? { compensate: () => Promise.reject(new Error("later")) } : {});
      throw new RunFailed("no");
    });
    const { state } = await playRun({ definitions: [runs], isOver: isParked });
    expect(state.parked).toMatchObject({ step: "undo flight", failure: { code: "run_diverged" } });
  });

  it("gets the result of its step, the step's own key and an attempt of its own", async () => {
    const seen: unknown[] = [];
    const runs = runOf(async (ctx) => {
      await ctx.step("flight", () => ({ id: 7 }), {
        compensate(result, step) {
          seen.push(result, step.idempotencyKey, step.attempt);
          return ctx.services.act("undo flight", step);
        },
      });
      throw new RunFailed("no");
    });
    await playRun({ definitions: [runs] });
    expect(seen).toEqual([{ id: 7 }, "run_1/undo flight", 1]);
  });

  it("is previewed before it happens, and what is done already is left out", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      await reserve(ctx, "hotel");
      throw new TypeError("a defect");
    });
    const { state } = await playRun({ definitions: [runs], isOver: isParked });
    expect(viewCompensation(state)).toEqual(["hotel", "flight"]);
  });
});

describe("compensation that is asked for", () => {
  it("undoes a run that is parked by a defect", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      throw new TypeError("a defect");
    });
    const acts = [{ when: isParked, act: { kind: "compensate" } as const }];
    await everyWay({ definitions: [runs], acts }, ({ state, did }) => {
      expect(state.status).toBe("cancelled");
      expect(undone(did)).toEqual(["undo id of flight"]);
    });
  });

  it("undoes a run that is under way", async () => {
    const runs = runOf(async (ctx) => {
      await reserve(ctx, "flight");
      await ctx.waitForSignal("word");
    });
    const acts = [
      { when: ({ status }: RunState): boolean => status === "waiting", act: { kind: "compensate" } as const },
    ];
    await everyWay({ definitions: [runs], acts }, ({ state, did }) => {
      expect(state.status).toBe("cancelled");
      expect(undone(did)).toEqual(["undo id of flight"]);
    });
  });
});
