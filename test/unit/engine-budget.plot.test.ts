/**
 * What is learned about a limit that nobody told the engine, on a simulated platform that kills beyond it.
 *
 * `vitest run --project unit test/unit/engine-budget.plot.test.ts --update` draws docs/budget.svg anew.
 */
import { describe, expect, it } from "vitest";
import { seededWorld } from "../simulation/chance.ts";
import { drawBudget, type Panel } from "../support/budget-plot.ts";
import { playOnPlatform, type LimitedPlatform, type PlayedOnPlatform } from "../support/limited-platform.ts";

interface Trial extends LimitedPlatform {
  readonly title: string;
  /** Steps that fit into an isolate, on average, when the run has done so many. */
  readonly capacity: (doneSteps: number) => number;
}

const chance = seededWorld(7);
const costs = Array.from({ length: 3_000 }, () => chance.between(1, 9));
const meanCost = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
const changing = (doneSteps: number): number => (doneSteps < 1_500 ? 30 : 120);

const trials: readonly Trial[] = [
  {
    title: "12 steps in an isolate",
    steps: 700,
    cpuOf: () => 1,
    cpuMax: () => 12,
    capacity: () => 12,
  },
  {
    title: "CPU for about 60 steps, of which each costs another amount",
    steps: 3_000,
    cpuOf: (step) => costs[step]!,
    cpuMax: () => 300,
    capacity: () => Math.round(300 / meanCost),
  },
  {
    title: "30 steps, and 120 from the middle on",
    steps: 4_500,
    cpuOf: () => 1,
    cpuMax: changing,
    capacity: changing,
  },
];

const played = await Promise.all(trials.map((trial) => playOnPlatform(trial)));

/** The segments after the platform's last change, but for the third in which the limit is found. */
function settled({ capacity }: Trial, { segments }: PlayedOnPlatform): PlayedOnPlatform["segments"] {
  let done = 0;
  const last = segments.filter(({ steps }) => capacity((done += steps)) === capacity(Infinity));
  return last.slice(Math.ceil(last.length / 3), -1);
}

describe.each(trials.map((trial, index) => ({ ...trial, end: played[index]! })))(
  "on a platform with $title",
  (trial) => {
    const { end } = trial;

    it("the run ends, each step recorded once", () => {
      expect(end.status).toBe("completed");
      expect(end.segments.reduce((sum, { steps }) => sum + steps, 0)).toBe(trial.steps);
      expect(end.kills).toBeGreaterThan(0);
    });

    it("a kill loses the work of one step at most", () => {
      expect(end.repeated).toBeLessThanOrEqual(end.kills);
    });

    it("segments come to use half of what the platform allows at least, and few are killed", () => {
      const later = settled(trial, end);
      const capacity = trial.capacity(Infinity);
      const kills = later.filter(({ isKilled }) => isKilled).length;
      expect(later.length).toBeGreaterThan(20);
      // Each kill buys as many segments as it takes to grow from the half to the limit, or less where the limit is not the same each time.
      expect(kills).toBeLessThanOrEqual(Math.ceil(later.length / (capacity / 4)) + 1);
      const mean = later.reduce((sum, { steps }) => sum + steps, 0) / later.length;
      expect(mean).toBeGreaterThan(capacity / 2);
    });
  },
);

describe("the picture of it in the documentation", () => {
  it("is what the simulation gives", async () => {
    const panels = trials.map((trial, index) => panelOf(trial, played[index]!));
    await expect(drawBudget(panels)).toMatchFileSnapshot("../../docs/budget.svg");
  });
});

function panelOf({ title, capacity }: Trial, { segments }: PlayedOnPlatform): Panel {
  const bounds: { fromMs: number; steps: number }[] = [];
  let done = 0;
  for (const { atMs, steps } of segments) {
    const allowed = capacity(done);
    if (bounds.at(-1)?.steps !== allowed) bounds.push({ fromMs: atMs, steps: allowed });
    done += steps;
  }
  return { title, segments, bounds };
}
