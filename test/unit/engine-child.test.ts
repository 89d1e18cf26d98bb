/** Runs that start other runs and wait for them. */
import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { RunFailed, StepFailed } from "../../src/engine/failures.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { defineRun, type RunDefinition } from "../../src/engine/run-definition.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type Played, type PlayContext, type PlayServices } from "../support/play-run.ts";

const child = runOf(async (ctx, input: { name: string; fails?: boolean }) => {
  await ctx.step("work", (step) => ctx.services.act(`work of ${input.name}`, step));
  if (input.fails === true) throw new RunFailed("the child gives up", { code: "gave_up" });
  return { hello: input.name };
}, "child");

const parent = runOf(async (ctx, names: string[]) => {
  return ctx.all(names.map((name) => ctx.child("child", child, { name })));
});

const childrenOf = ({ states }: Played): RunState[] => [...states].filter(([id]) => id !== "run_1").map(([, of]) => of);

describe("a run with children", () => {
  it("gets their outputs, and each child runs once, however anything is cut", async () => {
    await everyWay({ definitions: [parent, child], input: ["a"] }, (played) => {
      expect(played.state).toMatchObject({ status: "completed", output: [{ hello: "a" }] });
      expect(childrenOf(played)).toHaveLength(1);
      expect(played.did).toEqual(["work of a"]);
    });
  });

  it("may have several at once", async () => {
    await everyWay({ definitions: [parent, child], input: ["a", "b", "c"] }, (played) => {
      expect(played.state.output).toEqual([{ hello: "a" }, { hello: "b" }, { hello: "c" }]);
      expect(childrenOf(played)).toHaveLength(3);
    });
  });

  it("may have more than the subrequests of one segment can start", async () => {
    const names = Array.from({ length: 60 }, (_name, index) => `n${index}`);
    const { state } = await playRun({ definitions: [parent, child], input: names, profile: budgetProfiles.free });
    expect(state.output).toHaveLength(60);
    expect(state.segments).toBeGreaterThan(2);
  });

  it("hears of a child's failure with its code, and may catch it", async () => {
    const careful = runOf(async (ctx) => {
      try {
        await ctx.child("child", child, { name: "a", fails: true });
      } catch (error) {
        return error instanceof StepFailed ? error.failure : undefined;
      }
      return undefined;
    });
    await everyWay({ definitions: [careful, child] }, ({ state }) => {
      expect(state.output).toEqual({ name: "RunFailed", message: "the child gives up", code: "gave_up" });
    });
  });

  it("fails with a child whose failure it does not catch", async () => {
    const careless = runOf((ctx) => ctx.child("child", child, { name: "a", fails: true }));
    await everyWay({ definitions: [careless, child] }, ({ state }) => {
      expect(state).toMatchObject({ status: "failed", failure: { code: "gave_up" } });
    });
  });

  it("hears of a child that was cancelled as of a failure", async () => {
    const waiting = runOf((ctx) => ctx.waitForSignal("never"), "child");
    const runs = runOf((ctx) => ctx.child("child", waiting, {}));
    const rig = createEngineRig([runs, waiting]);
    const ref = await rig.start(runs);
    await rig.deliverOne();
    const childRef = rig.journal.runs().find(({ runId }) => runId !== ref.runId)!;
    await actOnRun(rig.parts(), childRef, { kind: "cancel", reason: "enough", isUndoing: true });
    await rig.deliverOne();
    await rig.deliverOne();
    expect(rig.state(childRef).status).toBe("cancelled");
    expect(rig.state(ref)).toMatchObject({ status: "failed", failure: { code: "run_cancelled", message: "enough" } });
  });

  it("is told of their end although a hundred signals lie there that it has not taken", async () => {
    const acts = Array.from({ length: 100 }, (_act, index) => ({
      when: ({ waits }: RunState): boolean => waits.size > 0,
      act: { kind: "signal", id: `s${index}`, name: "other", payload: index } as const,
    }));
    const late = runOf(async (ctx) => ctx.sleep("nap", "1h"), "child");
    const runs = runOf((ctx) => ctx.child("child", late, {}));
    const { state } = await playRun({ definitions: [runs, late], acts });
    expect(state.status).toBe("completed");
    expect(state.signals).toHaveLength(100);
  });

  it("that is cancelled leaves its child to itself", async () => {
    const waiting = runOf((ctx) => ctx.waitForSignal("never"), "child");
    const runs = runOf((ctx) => ctx.child("child", waiting, {}));
    const rig = createEngineRig([runs, waiting]);
    const ref = await rig.start(runs);
    await rig.deliverOne();
    const childRef = rig.journal.runs().find(({ runId }) => runId !== ref.runId)!;
    await actOnRun(rig.parts(), ref, { kind: "cancel", reason: "enough", isUndoing: true });
    await rig.deliverAll();
    expect(rig.state(ref).status).toBe("cancelled");
    expect(rig.state(childRef).status).toBe("completed");
  });

  it("undoes by a step of its own what a child has done", async () => {
    const runs = runOf(async (ctx) => {
      const { hello } = await ctx.child("child", child, { name: "a" });
      await ctx.step("keep the child's work", () => hello, {
        compensate: (kept, step) => ctx.services.act(`undo of ${kept}`, step),
      });
      throw new RunFailed("no");
    });
    await everyWay({ definitions: [runs, child] }, ({ state, did }) => {
      expect(state.status).toBe("failed");
      expect(did).toEqual(["work of a", "undo of a"]);
    });
  });

  it("that ends before its child leaves the child to itself", async () => {
    const hasty = runOf(async (ctx) => {
      void ctx.child("child", child, { name: "a" }).catch(() => undefined);
      await ctx.sleep("nap", 60_000);
      throw new RunFailed("no patience");
    });
    const slow = runOf(async (ctx, input: { name: string }) => {
      await ctx.sleep("long", 600_000);
      await ctx.step("work", (step) => ctx.services.act(`work of ${input.name}`, step));
    }, "child");
    await everyWay({ definitions: [hasty, slow] }, (played) => {
      expect(played.state.status).toBe("failed");
      expect(childrenOf(played).map(({ status }) => status)).toEqual(["completed"]);
    });
  });

  it("may nest eight deep and no deeper", async () => {
    const nested: RunDefinition<any, number, PlayServices> = runOf(async (ctx, { depth }: { depth: number }) => {
      return depth === 0 ? 0 : 1 + (await ctx.child("child", nested, { depth: depth - 1 }));
    });
    const eight = await playRun({ definitions: [nested], input: { depth: 8 } });
    expect(eight.state).toMatchObject({ status: "completed", output: 8 });
    const nine = await playRun({ definitions: [nested], input: { depth: 9 } });
    expect(nine.state).toMatchObject({ status: "failed", failure: { name: "NonRetryableError" } });
  });

  it("is parked for a child that is not in the registry", async () => {
    const runs = runOf((ctx) => ctx.child("child", child, { name: "a" }));
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked).toMatchObject({ step: "child", failure: { code: "bad_definition" } });
  });

  it("gets a failure for an input that does not fit the schema of a child, and no child is started", async () => {
    const strict = defineRun({
      name: "strict",
      version: 1,
      input: z.object({ who: z.string().check(z.minLength(1)) }),
      run: (ctx: PlayContext, { who }) => ctx.step("greet", () => who),
    });
    const runs = runOf(async (ctx) => {
      try {
        return await ctx.child("child", strict, { who: "" });
      } catch (error) {
        return error instanceof StepFailed ? error.failure.message : "";
      }
    });
    await everyWay({ definitions: [runs, strict] }, ({ state, states }) => {
      expect(state.output).toBe('the input does not fit the schema of "strict": /who must have at least 1 characters');
      expect(states.size).toBe(1);
    });
  });

  it("is parked for an input of a child that JSON cannot hold", async () => {
    const runs = runOf((ctx) => ctx.child("child", child, { name: 1n } as never));
    const { state } = await playRun({ definitions: [runs, child], isOver: ({ status }) => status === "parked" });
    expect(state.parked).toMatchObject({ step: "child", failure: { code: "bad_definition" } });
  });
});
