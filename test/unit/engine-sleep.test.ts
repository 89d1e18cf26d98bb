import { describe, expect, it } from "vitest";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf } from "../support/play-run.ts";
import { planned } from "../simulation/director.ts";

const dayMs = 86_400_000;

const sleeping = (ms: number) =>
  runOf(async (ctx) => {
    await ctx.step("before", (step) => ctx.services.act("before", step));
    await ctx.sleep("nap", ms);
    await ctx.step("after", (step) => ctx.services.act("after", step));
    return "awake";
  });

const scheduled = (trace: readonly string[]): string[] => trace.filter((line) => line.includes(" schedule"));

describe("a run that sleeps", () => {
  it.each([0, 1, 2_000, 2_001, 3_600_000])("for %i ms goes on after that time, however it is cut", async (ms) => {
    await everyWay({ definitions: [sleeping(ms)] }, ({ state, did, elapsedMs }) => {
      expect(state.output).toBe("awake");
      expect(did).toEqual(["before", "after"]);
      expect(elapsedMs).toBeGreaterThanOrEqual(ms);
    });
  });

  it("for two seconds or less stays in its segment; for longer it costs a message and another segment", async () => {
    const short = await playRun({ definitions: [sleeping(2_000)] });
    expect([short.state.segments, scheduled(short.trace), short.elapsedMs]).toEqual([1, [], 2_000]);
    const long = await playRun({ definitions: [sleeping(2_001)] });
    expect([long.state.segments, scheduled(long.trace).length, long.elapsedMs]).toEqual([2, 1, 2_001]);
  });

  it("for longer than the queue can wait is brought on in several messages, each a week", async () => {
    const { state, trace, elapsedMs } = await playRun({ definitions: [sleeping(30 * dayMs)] });
    expect(state.output).toBe("awake");
    expect(elapsedMs).toBe(30 * dayMs);
    expect(scheduled(trace)).toHaveLength(5);
  });

  it("is looked at by the sweep at least once a day, and not woken by it", async () => {
    const { trace } = await playRun({ definitions: [sleeping(3 * dayMs)] });
    const sweeps = trace.filter((line) => line.endsWith(" sweep"));
    expect(sweeps).toHaveLength(3);
    expect(trace.filter((line) => line.includes("trigger run_1"))).toEqual([]);
  });

  it("sleeps at most a year and a day, whatever its code says", async () => {
    const { elapsedMs } = await playRun({ definitions: [sleeping(Number.MAX_SAFE_INTEGER)] });
    expect(elapsedMs).toBe(366 * dayMs);
  });

  it("until a time goes on at that time, at once when it is over, also when it is told by a date", async () => {
    const until = (time: (now: number) => number | Date) =>
      runOf(async (ctx) => {
        await ctx.sleepUntil("morning", time(ctx.now()));
        return ctx.now();
      });
    for (const [ms, expected] of [
      [90_000, 90_000],
      [-90_000, 0],
    ] as const) {
      const plain = await playRun({ definitions: [until((now) => now + ms)] });
      const dated = await playRun({ definitions: [until((now) => new Date(now + ms))] });
      expect([plain.elapsedMs, dated.elapsedMs]).toEqual([expected, expected]);
    }
  });

  it.each<[string, unknown]>([
    ["no duration", "soon"],
    ["a negative number", -1],
    ["no number", Number.NaN],
    ["a text without a unit", "5"],
  ])("for %s is parked", async (_what, duration) => {
    const runs = runOf((ctx) => ctx.sleep("nap", duration as number));
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked?.failure.code).toBe("bad_definition");
  });

  it("understands units", async () => {
    for (const [duration, ms] of [
      ["250ms", 250],
      ["1.5s", 1_500],
      ["30m", 1_800_000],
      ["2h", 7_200_000],
      ["7d", 604_800_000],
    ] as const) {
      const runs = runOf((ctx) => ctx.sleep("nap", duration));
      expect((await playRun({ definitions: [runs] })).elapsedMs).toBe(ms);
    }
  });

  it("beside others wakes each in its own time", async () => {
    const runs = runOf(async (ctx) => {
      const woken: string[] = [];
      await ctx.all(
        [5_000, 1_000, 3_600_000, 10].map(async (ms) => {
          await ctx.sleep(`nap ${ms}`, ms);
          woken.push(`${ms}`);
          await ctx.step(`after ${ms}`, () => 1);
        }),
      );
      return woken.join(" ");
    });
    await everyWay({ definitions: [runs] }, ({ state }) => expect(state.output).toBe("10 1000 5000 3600000"));
  });

  it("in an isolate whose clock is four seconds slow does not call itself again and again until its time has come", async () => {
    for (const ms of [5_000, 65_000]) {
      const slow = { ...planned(() => undefined), skewMs: () => -4_000 };
      const { state } = await playRun({ definitions: [sleeping(ms)] }, slow);
      expect(state.output).toBe("awake");
      expect(state.segments).toBeLessThanOrEqual(4);
    }
  });
});
