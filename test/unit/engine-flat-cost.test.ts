/** What a long run costs does not depend on how long it already is. */
import { describe, expect, it } from "vitest";
import { budgetProfiles } from "../../src/engine/budget.ts";
import type { AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { runOf } from "../support/play-run.ts";

interface SegmentCost {
  /** Round trips to the journal, the opening included. */
  calls: number;
  readonly bytesRead: number;
  bodies: number;
}

/** Plays a run with so many steps or turns in a segment, and counts what each segment costs. */
async function costsOf(makeRun: (onBody: () => void) => AnyRunDefinition<any>, stepsPerSegment: number) {
  const segments: SegmentCost[] = [{ calls: 0, bytesRead: 0, bodies: 0 }];
  const runs = makeRun(() => void (segments.at(-1)!.bodies += 1));
  const rig = createEngineRig([runs], { ...budgetProfiles.paid, steps: stepsPerSegment });
  const journal = {
    ...rig.journal,
    async open(...args: Parameters<typeof rig.journal.open>) {
      const opened = await rig.journal.open(...args);
      const bytesRead = opened.entries.reduce((sum, entry) => sum + entry.length, 0);
      segments.push({ calls: 1, bytesRead, bodies: 0 });
      return opened;
    },
    append(...args: Parameters<typeof rig.journal.append>) {
      segments.at(-1)!.calls += 1;
      return rig.journal.append(...args);
    },
  };
  const ref = await rig.start(runs, {}, { journal });
  await rig.deliverAll({ journal });
  expect(rig.state(ref).status).toBe("completed");
  return segments;
}

describe("a run of ten thousand steps", () => {
  it(
    "makes one call for each step, and one or two for each segment, from its first to its last",
    { timeout: 120_000 },
    async () => {
      const segments = await costsOf(
        (onBody) =>
          runOf(async (ctx) => {
            for (let step = 0; step < 10_000; step += 1) await ctx.step("do", () => onBody());
          }),
        500,
      );
      expect(segments).toHaveLength(20);
      for (const { calls, bodies } of segments) {
        expect(bodies).toBe(500);
        expect(calls).toBeLessThanOrEqual(502);
      }
    },
  );
});

describe("a loop of a hundred thousand turns", () => {
  it("reads as much in its last segment as in its second, and makes as many calls", { timeout: 120_000 }, async () => {
    const segments = await costsOf(
      (onBody) =>
        runOf((ctx) =>
          ctx.loop("loop", 1, async (inner, turn) => {
            await inner.step("do", () => onBody());
            return turn < 100_000 ? { kind: "next", state: turn + 1 } : { kind: "done" };
          }),
        ),
      2_000,
    );
    expect(segments.reduce((sum, { bodies }) => sum + bodies, 0)).toBe(100_000);
    const whole = segments.slice(1, -1);
    const most = (pick: (segment: SegmentCost) => number): number => Math.max(...whole.map(pick));
    const least = (pick: (segment: SegmentCost) => number): number => Math.min(...whole.map(pick));
    expect(most(({ bytesRead }) => bytesRead)).toBeLessThan(1.3 * least(({ bytesRead }) => bytesRead));
    expect(most(({ calls, bodies }) => calls / bodies)).toBeLessThan(
      1.1 * least(({ calls, bodies }) => calls / bodies),
    );
  });
});
