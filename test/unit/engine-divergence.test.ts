/** E6: code that is not the code that wrote the journal parks the run, and nothing is overwritten. */
import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { createRunRegistry, defineRun, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { runOf, type PlayContext } from "../support/play-run.ts";

type Code = (ctx: PlayContext) => Promise<unknown>;

const stepsOf =
  (...names: string[]): Code =>
  async (ctx) => {
    for (const name of names) await ctx.step(name, () => name);
  };

/** A run that waits after its steps; then another build goes on with it. */
async function redeployed(before: Code, after: Code): Promise<{ state: RunState; entries: number; did: string[] }> {
  const did: string[] = [];
  const waiting: Code = async (ctx) => {
    await before(ctx);
    await ctx.sleep("nap", "1h");
    await ctx.step("after the nap", () => void did.push("after the nap"));
  };
  const first = runOf(waiting);
  const rig = createEngineRig([first]);
  const ref = await rig.start(first);
  const settled = JSON.stringify(rig.state(ref).settled);
  const registry = createRunRegistry<any>([
    runOf(async (ctx) => {
      await after(ctx);
      await ctx.sleep("nap", "1h");
      await ctx.step("after the nap", () => void did.push("after the nap"));
    }),
  ]);
  await rig.clock.advance(3_600_000);
  await rig.deliverOne({ registry });
  const state = rig.state(ref);
  if (state.status === "parked") expect(JSON.stringify(state.settled)).toBe(settled);
  return { state, entries: rig.journal.entries(ref).length, did };
}

describe("a build in which a step", () => {
  it.each<[string, Code, Code, string, string]>([
    ["was renamed", stepsOf("a", "b", "c"), stepsOf("a", "x", "c"), "b", "x"],
    ["was put in between", stepsOf("a", "b"), stepsOf("a", "x", "b"), "b", "x"],
    ["was moved", stepsOf("a", "b", "c"), stepsOf("a", "c", "b"), "b", ""],
    ["was left out", stepsOf("a", "b", "c"), stepsOf("a", "c"), "b", ""],
    ["was left out at the end", stepsOf("a", "b"), stepsOf("a"), "b", ""],
    ["comes once instead of twice", stepsOf("a", "a"), stepsOf("a", "b"), "a#2", "b"],
    ["stands before a loop that was there alone", loopOf("l"), stepsOf("x"), "l[1]", "x"],
  ])(
    "%s parks the run with the names of both steps, and nothing is overwritten",
    async (_what, before, after, recorded, asked) => {
      const { state, did } = await redeployed(before, after);
      expect(state).toMatchObject({ status: "parked", parked: { failure: { code: "run_diverged" } } });
      expect(state.parked?.failure.message).toContain(`"${recorded}"`);
      expect(state.parked?.failure.message).toContain(`"${asked}`);
      expect(did).toEqual([]);
    },
  );

  it("was added where the run has not come yet goes on", async () => {
    const { state, did } = await redeployed(stepsOf("a"), stepsOf("a"));
    expect(state.status).toBe("completed");
    expect(did).toEqual(["after the nap"]);
  });

  it("does something else under the same name goes on: names are what is compared", async () => {
    const { state } = await redeployed(stepsOf("a"), async (ctx) => ctx.step("a", () => "something else"));
    expect(state.status).toBe("completed");
  });
});

function loopOf(name: string): Code {
  return (ctx) => ctx.loop(name, 0, async (_inner, turn) => (turn < 1 ? { kind: "next", state: 1 } : { kind: "done" }));
}

describe("a build", () => {
  const version = (number: number, ...names: string[]): AnyRunDefinition<any> =>
    runOf(
      async (ctx) => {
        await ctx.step(names[0]!, () => 1);
        await ctx.sleep("nap", "1h");
        await ctx.step(names[1]!, () => 1);
        return `version ${number}`;
      },
      "under-test",
      number,
    );

  it("that has both versions lets each run keep its own, and starts new ones with the newest", async () => {
    const [first, second] = [version(1, "a", "b"), version(2, "x", "y")];
    const rig = createEngineRig([first]);
    const old = await rig.start(first);
    const registry = createRunRegistry<any>([second, first]);
    const young = await rig.start(registry.get("under-test")!, {}, { registry });
    await rig.deliverAll({ registry });
    expect(rig.state(old).output).toBe("version 1");
    expect(rig.state(young).output).toBe("version 2");
  });

  it.each<[string, AnyRunDefinition<any>[]]>([
    ["lacks the version of a run", [version(2, "a", "b")]],
    ["lacks the definition of a run", []],
  ])("that %s parks it, and a build that has it lets it go on", async (_what, definitions) => {
    const first = version(1, "a", "b");
    const rig = createEngineRig([first]);
    const ref = await rig.start(first);
    await rig.deliverAll({ registry: createRunRegistry<any>(definitions) });
    expect(rig.state(ref).parked?.failure).toMatchObject({ code: "unknown_definition" });
    expect(rig.state(ref).parked?.failure.message).toContain('"under-test" of version 1');
    const { actOnRun } = await import("../../src/engine/act-on-run.ts");
    await actOnRun(rig.parts(), ref, { kind: "resume" });
    await rig.deliverAll();
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: "version 1" });
  });

  it("whose schema the input of a run no longer fits parks it", async () => {
    const run = async (ctx: PlayContext): Promise<void> => ctx.sleep("nap", "1h");
    const first = defineRun({ name: "under-test", version: 1, input: z.object({ size: z.number() }), run });
    const stricter = defineRun({
      name: "under-test",
      version: 1,
      input: z.object({ size: z.number().check(z.lte(3)) }),
      run,
    });
    const rig = createEngineRig([first]);
    const ref = await rig.start(first, { size: 5 });
    await rig.deliverAll({ registry: createRunRegistry<any>([stricter]) });
    expect(rig.state(ref).parked?.failure).toMatchObject({ name: "InvalidInput", code: "run_diverged" });
  });

  it("cannot have two definitions of one name and version, nor names and versions that are none", () => {
    expect(() => createRunRegistry([version(1, "a", "b"), version(1, "c", "d")])).toThrow(
      "a name and version of its own",
    );
    for (const name of ["", "Upper", "with space", "1st", "a".repeat(65)]) {
      expect(() => runOf(async () => 1, name)).toThrow("is no name of a run");
    }
    for (const number of [0, 1.5, -1, Number.NaN]) {
      expect(() => runOf(async () => 1, "fine", number)).toThrow("a version is 1 or greater");
    }
  });
});
