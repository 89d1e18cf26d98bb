import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { limits } from "../../src/core/limits.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import { forkRun } from "../../src/engine/fork-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { parseEntry } from "../../src/engine/journal-entry.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import { viewMemory } from "../../src/engine/run-view.ts";
import { memorySlot } from "../../src/engine/working-memory.ts";
import { createEngineRig, type EngineRig } from "../support/engine-rig.ts";

const total = memorySlot("total", z.number());
const names = memorySlot("names", z.array(z.string()));

/** One step for each segment, so that every step is followed by another replay. */
const oneStep = { ...budgetProfiles.paid, steps: 1 };

const shopping = defineRun({
  name: "shopping",
  version: 1,
  input: z.object({ count: z.number() }),
  async run(ctx, { count }) {
    for (let number = 1; number <= count; number += 1) {
      const price = await ctx.step("price", () => number * 10);
      ctx.memory.set(total, (ctx.memory.get(total) ?? 0) + price);
      ctx.memory.set(names, [...(ctx.memory.get(names) ?? []), `item ${number}`]);
    }
    return ctx.memory.get(total) ?? 0;
  },
});

const turning = defineRun({
  name: "turning",
  version: 1,
  input: z.object({ turns: z.number() }),
  async run(ctx, { turns }) {
    ctx.memory.set(total, 100);
    await ctx.loop("work", 0, async (turn, done: number) => {
      if (done >= turns) return { kind: "done", result: done };
      turn.memory.set(total, (turn.memory.get(total) ?? 0) + 1);
      await turn.step("work", () => done);
      turn.memory.set(total, (turn.memory.get(total) ?? 0) + 1);
      return { kind: "next", state: done + 1 };
    });
    return ctx.step("sum", () => ctx.memory.get(total) ?? null);
  },
});

function changes(rig: EngineRig, ref: RunRef): string[] {
  const records = rig.journal.entries(ref).map((text) => parseEntry(text)?.record);
  return records.flatMap((record) =>
    record?.type === "memory" ? [`${record.key}=${JSON.stringify(record.value)}`] : [],
  );
}

function remembered(rig: EngineRig, ref: RunRef): unknown {
  return viewMemory(rig.state(ref), rig.clock.now());
}

/** Runs code that is expected to end in its first segment. */
async function runOnce(code: (ctx: RunContext) => unknown) {
  const once = defineRun({ name: "once", version: 1, input: z.object({}), run: async (ctx) => code(ctx) as never });
  const rig = createEngineRig([once]);
  const ref = await rig.start(once);
  return { rig, ref, state: rig.state(ref) };
}

describe("the memory of a run", () => {
  it("keeps what was set, over as many segments as there are steps, and writes each change once", async () => {
    const rig = createEngineRig([shopping], oneStep);
    const ref = await rig.start(shopping, { count: 4 });
    await rig.deliverAll();
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: 100 });
    expect(rig.state(ref).segments).toBeGreaterThan(3);
    expect(remembered(rig, ref)).toEqual({ total: 100, names: ["item 1", "item 2", "item 3", "item 4"] });
    expect(changes(rig, ref).filter((change) => change.startsWith("total"))).toEqual([
      "total=10",
      "total=30",
      "total=60",
      "total=100",
    ]);
  });

  it("costs no command of its own", async () => {
    const rig = createEngineRig([shopping]);
    await rig.start(shopping, { count: 3 });
    expect(rig.journal.calls).toEqual(["start", "append", "append", "append", "retire"]);
  });

  it("stands at any length of the journal for the steps before it: a reader sees no torn value", async () => {
    const rig = createEngineRig([shopping]);
    const ref = await rig.start(shopping, { count: 3 });
    const all = rig.journal.entries(ref);
    for (let length = 0; length <= all.length; length += 1) {
      const { state } = foldRun(all.slice(0, length));
      const sum = (state.memory.values.get("total") as number | undefined) ?? 0;
      const prices = state.settled.map(({ outcome }) => (outcome.kind === "done" ? (outcome.value as number) : 0));
      const sums = [prices, prices.slice(0, -1)].map((part) => part.reduce((left, right) => left + right, 0));
      expect(sums).toContain(sum);
    }
  });

  it("survives the turns of a loop that are forgotten", async () => {
    for (const profile of [budgetProfiles.paid, oneStep]) {
      const rig = createEngineRig([turning], profile);
      const ref = await rig.start(turning, { turns: 5 });
      await rig.deliverAll();
      expect(rig.state(ref)).toMatchObject({ status: "completed", output: 110 });
      expect(changes(rig, ref)).toEqual(Array.from({ length: 11 }, (_none, index) => `total=${100 + index}`));
      expect(rig.state(ref).memory.changes.size).toBeLessThanOrEqual(2);
    }
  });

  it("comes to the same wherever segments end", async () => {
    const budget = fc.record({ steps: fc.integer({ min: 1, max: 6 }), turns: fc.integer({ min: 0, max: 6 }) });
    await fc.assert(
      fc.asyncProperty(budget, async ({ steps, turns }) => {
        const rig = createEngineRig([turning], { ...budgetProfiles.paid, steps });
        const ref = await rig.start(turning, { turns });
        await rig.deliverAll();
        expect(rig.state(ref)).toMatchObject({ status: "completed", output: 100 + 2 * turns });
      }),
      { numRuns: 30 },
    );
  });

  it("goes over to a fork with the turns that it takes over", async () => {
    const rig = createEngineRig([turning], oneStep);
    const source = await rig.start(turning, { turns: 3 });
    await rig.deliverAll();
    const { settled } = rig.state(source);
    const ref = { userId: source.userId, runId: "run_fork" };
    const forked = { source, ref, definition: turning, steps: settled.length - 1, isDry: false };
    expect(await forkRun(rig.parts(), forked)).toEqual({ kind: "forked" });
    await rig.deliverAll();
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: 106 });
  });

  it("is seen for an hour after the run's end, and not a millisecond longer", async () => {
    const rig = createEngineRig([shopping]);
    const ref = await rig.start(shopping, { count: 1 });
    const state = rig.state(ref);
    expect(viewMemory(state, state.lastAt + limits.memoryShownMs)).toEqual({ total: 10, names: ["item 1"] });
    expect(viewMemory(state, state.lastAt + limits.memoryShownMs + 1)).toBeUndefined();
  });

  it("forgets a key that is deleted", async () => {
    const { rig, ref } = await runOnce((ctx) => {
      ctx.memory.set(total, 1);
      ctx.memory.set(names, []);
      ctx.memory.delete(total);
      return ctx.memory.get(total) ?? "nothing";
    });
    expect(rig.state(ref).output).toBe("nothing");
    expect(remembered(rig, ref)).toEqual({ names: [] });
  });

  it("keeps what JSON keeps of a value, and nothing that the code changes later", async () => {
    const { rig, ref } = await runOnce((ctx) => {
      const list = ["first"];
      ctx.memory.set(names, list);
      list.push("second");
      return ctx.memory.get(names);
    });
    expect(rig.state(ref).output).toEqual(["first"]);
    expect(remembered(rig, ref)).toEqual({ names: ["first"] });
  });
});

describe("a value that does not fit", () => {
  const text = memorySlot("text", z.string());

  it("fails the run in words when it is one byte too large, and is kept when it is not", async () => {
    const largest = "x".repeat(limits.memoryValueBytesMax - 2);
    const fits = await runOnce((ctx) => ctx.memory.set(text, largest));
    expect(fits.state.status).toBe("completed");
    const over = await runOnce((ctx) => ctx.memory.set(text, `${largest}x`));
    expect(over.state).toMatchObject({ status: "failed", failure: { code: "memory_full" } });
    expect(over.state.failure?.message).toContain(`${limits.memoryValueBytesMax + 1} bytes`);
  });

  it("fails the run when it is one too many; one that replaces another is none too many", async () => {
    const fill = (ctx: RunContext, count: number): void => {
      for (let number = 0; number < count; number += 1) ctx.memory.set(memorySlot(`key ${number}`, z.number()), number);
    };
    const fits = await runOnce((ctx) => {
      fill(ctx, limits.memoryKeysMax);
      fill(ctx, limits.memoryKeysMax);
    });
    expect(fits.state.status).toBe("completed");
    const over = await runOnce((ctx) => fill(ctx, limits.memoryKeysMax + 1));
    expect(over.state).toMatchObject({ status: "failed", failure: { code: "memory_full" } });
  });

  it("parks the run when it is of another type: that is a defect of its code", async () => {
    const { state } = await runOnce((ctx) => ctx.memory.set(text, 7 as never));
    expect(state.status).toBe("parked");
    const other = await runOnce((ctx) => {
      ctx.memory.set(memorySlot("text", z.number()), 7);
      return ctx.memory.get(text);
    });
    expect(other.state.status).toBe("parked");
  });

  it.each(["", "k".repeat(limits.memoryKeyCharsMax + 1), "\ud800"])(
    "is refused under a key that is none: %j",
    (key) => {
      expect(() => memorySlot(key, z.string())).toThrow("the key of a slot of memory");
    },
  );
});
