import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { defineRun } from "../../src/engine/run-definition.ts";
import { createEngineRig } from "../support/engine-rig.ts";

describe("a run of steps", () => {
  it("does each step once, in order, and ends with what its code returns", async () => {
    const did: string[] = [];
    const sums = defineRun({
      name: "sums",
      version: 1,
      input: z.object({ upTo: z.number() }),
      async run(ctx, { upTo }) {
        let sum = 0;
        for (let number = 1; number <= upTo; number += 1) {
          sum = await ctx.step("add", () => {
            did.push(`add ${number}`);
            return sum + number;
          });
        }
        return { sum };
      },
    });
    const rig = createEngineRig([sums]);
    const ref = await rig.start(sums, { upTo: 4 });
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: { sum: 10 } });
    expect(did).toEqual(["add 1", "add 2", "add 3", "add 4"]);
    expect(rig.state(ref).settled.map(({ step }) => step)).toEqual(["add", "add#2", "add#3", "add#4"]);
  });

  it("costs one round trip a step, one to start it, and one when it is over", async () => {
    const twenty = defineRun({
      name: "twenty",
      version: 1,
      input: z.object({}),
      async run(ctx) {
        for (let number = 0; number < 20; number += 1) await ctx.step("count", () => number);
      },
    });
    const rig = createEngineRig([twenty]);
    await rig.start(twenty);
    expect(rig.journal.calls).toEqual(["start", ...Array<string>(20).fill("append"), "retire"]);
    expect(rig.queued).toEqual([]);
  });
});
