import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { alertRules, judgeAlerts, type Incident, type Readings } from "../../src/ops/alert-rules.ts";
import { checkAlerts, isAlertMinute, type AlertNotice } from "../../src/ops/check-alerts.ts";
import { manualClock, silentLog } from "../fakes/clock.ts";

const thresholds = { parkedRuns: 2, failures: 10 };
const incident: Incident = { rule: "parkedRuns", openedAt: 5, value: 2, isTold: true };

describe("a rule", () => {
  it.each([
    ["below its threshold stays quiet", { parkedRuns: 1 }, [], []],
    ["at its threshold opens an incident", { parkedRuns: 2 }, ["parkedRuns"], []],
    ["without a reading changes nothing", {}, [], []],
    ["that is off stays quiet", { deadLetters: 99 }, [], []],
  ])("%s", (_what, readings, opened, resolved) => {
    const decision = judgeAlerts({ readings, thresholds, open: [], nowMs: 9 });
    expect(decision.opened.map(({ rule }) => rule)).toEqual(opened);
    expect(decision.resolved).toEqual(resolved);
  });

  it.each([
    ["still reached opens no second incident", { parkedRuns: 7 }, thresholds, 0],
    ["below its threshold again is over", { parkedRuns: 1 }, thresholds, 1],
    ["without a reading stays open", {}, thresholds, 0],
    ["that was switched off is over", { parkedRuns: 7 }, {}, 1],
  ])("%s", (_what, readings, limits, resolved) => {
    const decision = judgeAlerts({ readings, thresholds: limits, open: [incident], nowMs: 9 });
    expect(decision.opened).toEqual([]);
    expect(decision.resolved).toHaveLength(resolved);
  });

  it("is looked at every five minutes", () => {
    const minutes = Array.from({ length: 60 }, (_minute, index) => index).filter((index) =>
      isAlertMinute(index * 60_000),
    );
    expect(minutes).toHaveLength(12);
  });
});

describe("telling", () => {
  it("says each incident's opening and end once, whatever fails on the way", async () => {
    const readingsOverTime = fc.array(fc.record({ parkedRuns: fc.integer({ min: 0, max: 4 }) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(readingsOverTime, fc.infiniteStream(fc.nat({ max: 3 })), async (looks, chance) => {
        const clock = manualClock();
        const open = new Map<string, Incident>();
        const ids: string[] = [];
        const kept = new Set<string>();
        let readings: Readings = {};
        let isCalm = false;
        const failing = (): void => {
          if (!isCalm && chance.next().value === 0) throw new Error("told to fail");
        };
        const parts = {
          thresholds,
          clock,
          log: silentLog,
          read: async () => ({ readings, open: [...open.values()] }),
          keep: async (one: Incident) => {
            failing();
            open.set(one.rule, one);
            kept.add(`${one.rule}-${one.openedAt}`);
          },
          forget: async (one: Incident) => (failing(), void open.delete(one.rule)),
          tell: async ({ id }: AlertNotice) => (failing(), void ids.push(id)),
        };
        for (const look of looks) {
          readings = look;
          await clock.advance(5 * 60_000);
          await checkAlerts(parts).catch(() => undefined);
        }
        // The queue tells a notice that is repeated by its id.
        isCalm = true;
        readings = { parkedRuns: 0 };
        await clock.advance(5 * 60_000);
        await checkAlerts(parts);
        expect(open.size).toBe(0);
        // Whoever could not be told while it lasted is told in the end.
        const both = [...kept].flatMap((name) => [`alert-${name}-opened`, `alert-${name}-resolved`]);
        expect([...new Set(ids)].toSorted()).toEqual(both.toSorted());
      }),
    );
    expect(alertRules).toHaveLength(4);
  });
});
