import { describe, expect, it } from "vitest";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf } from "../support/play-run.ts";

const oneStep = { ...budgetProfiles.paid, steps: 1 };

const named = (names: readonly string[]) =>
  runOf(async (ctx) => {
    const results: unknown[] = [];
    for (const name of names) results.push(await ctx.step(name, () => results.length));
    return results;
  });

describe("a run of steps", () => {
  it("does each step once, in order, and ends with what its code returns", async () => {
    const sums = runOf(async (ctx, { upTo }: { upTo: number }) => {
      let sum = 0;
      for (let number = 1; number <= upTo; number += 1) {
        sum = await ctx.step("add", (step) => ctx.services.act(`add ${number}`, step, sum + number));
      }
      return { sum };
    });
    await everyWay({ definitions: [sums], input: { upTo: 4 } }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "completed", output: { sum: 10 } });
      expect(did).toEqual(["add 1", "add 2", "add 3", "add 4"]);
      expect(state.settled.map(({ step }) => step)).toEqual(["add", "add#2", "add#3", "add#4"]);
    });
  });

  it("costs one round trip a step, one to start it, and one when it is over", async () => {
    const twenty = named(Array<string>(20).fill("count"));
    const rig = createEngineRig([twenty]);
    await rig.start(twenty);
    expect(rig.journal.calls).toEqual(["start", ...Array<string>(20).fill("append"), "retire"]);
    expect(rig.queued).toEqual([]);
  });

  it("hands a step the same idempotency key at each attempt, and no other step that key", async () => {
    const keys: string[] = [];
    const twice = runOf(async (ctx) => {
      for (const round of [1, 2]) {
        await ctx.step("pay", ({ idempotencyKey, attempt }) => {
          keys.push(`${idempotencyKey} (${attempt})`);
          if (round === 1 && attempt < 3) throw new Error("not yet");
        });
      }
    });
    await playRun({ definitions: [twice] });
    expect(keys).toEqual(["run_1/pay (1)", "run_1/pay (2)", "run_1/pay (3)", "run_1/pay#2 (1)"]);
  });

  it("may catch a step that failed, and go on another way", async () => {
    const careful = runOf(async (ctx) => {
      try {
        return await ctx.step("first choice", () => Promise.reject(new Error("sold out")), { retries: 0 });
      } catch (error) {
        return { instead: (error as Error).message, now: await ctx.step("second choice", () => "found") };
      }
    });
    await everyWay({ definitions: [careful] }, ({ state }) => {
      expect(state.output).toEqual({ instead: 'step "first choice" failed: sold out', now: "found" });
    });
  });

  it("is over as soon as its code has returned, also without a step", async () => {
    await everyWay({ definitions: [runOf(async () => "nothing to do")] }, ({ state }) => {
      expect(state).toMatchObject({ status: "completed", output: "nothing to do" });
    });
  });
});

describe("the result of a step", () => {
  it.each<[unknown, unknown]>([
    [undefined, undefined],
    [null, null],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [{ a: undefined, b: () => 1 }, {}],
    [[undefined], [null]],
    [Number.NaN, null],
    ['ß 雪 \u2028 "', 'ß 雪 \u2028 "'],
  ])("%j is what JSON keeps of it, live and when it is replayed", async (result, kept) => {
    const seen: unknown[] = [];
    const runs = runOf(async (ctx) => {
      seen.push(await ctx.step("make", () => result));
      await ctx.step("next", () => 1);
    });
    await playRun({ definitions: [runs], profile: oneStep });
    expect(seen).toEqual([kept, kept]);
  });

  it.each<[string, () => unknown, string]>([
    ["a cycle", cycle, "result_not_serialisable"],
    ["a BigInt", () => 1n, "result_not_serialisable"],
    ["a byte more than allowed", () => "x".repeat(256 * 1024 - 1), "result_too_large"],
  ])("that is %s fails the step at once, for another attempt would act again", async (_name, make, code) => {
    let attempts = 0;
    const runs = runOf((ctx) => {
      return ctx.step("make", () => {
        attempts += 1;
        return make();
      });
    });
    const { state } = await playRun({ definitions: [runs] });
    expect(state).toMatchObject({ status: "failed", failure: { code } });
    expect(attempts).toBe(1);
  });

  it("may have as many bytes as allowed", async () => {
    const runs = runOf((ctx) => ctx.step("make", () => "x".repeat(256 * 1024 - 2)));
    expect((await playRun({ definitions: [runs] })).state.status).toBe("completed");
  });
});

describe("the names of steps", () => {
  it("are numbered where they come twice, also if somebody has given a step such a name", async () => {
    await everyWay({ definitions: [named(["x", "x", "x#2", "x", "x#2"])] }, ({ state }) => {
      expect(state.settled.map(({ step }) => step)).toEqual(["x", "x#2", "x#2#2", "x#3", "x#2#3"]);
      expect(state.output).toEqual([0, 1, 2, 3, 4]);
    });
  });

  it.each([
    ["empty", ""],
    ["of 201 characters", "x".repeat(201)],
    ["like an undoing", "undo x"],
    ["like a loop's turn", "loop[0]"],
    ["like a step in a loop's turn", "loop[0]/do"],
    ["no text", undefined as unknown as string],
  ])("park the run when one is %s", async (_what, name) => {
    const { state } = await playRun({
      definitions: [named([name])],
      isOver: ({ status }) => status === "parked",
    });
    expect(state.parked?.failure.code).toBe("bad_definition");
  });

  it("may have 200 characters of any kind", async () => {
    const name = `${"ß".repeat(190)} [x] [1 \n"`;
    const { state } = await playRun({ definitions: [named([name])] });
    expect(name).toHaveLength(200);
    expect(state.settled[0]?.step).toBe(name);
  });
});

function cycle(): unknown {
  const self: Record<string, unknown> = {};
  self["self"] = self;
  return self;
}
