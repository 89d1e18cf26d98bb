/** What a run tells its readers, and the time and the chance that its code is given. */
import { describe, expect, it } from "vitest";
import { runEvents } from "../../src/engine/follow-run.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type Played } from "../support/play-run.ts";

const oneStep = { ...budgetProfiles.paid, steps: 1 };

const emitted = ({ entries }: Pick<Played, "entries">): unknown[] =>
  runEvents(entries)
    .filter(({ type }) => type === "said")
    .map(({ data }) => data["payload"]);

describe("an event that the code emits", () => {
  it("is told once, in order, however the run is cut", async () => {
    const runs = runOf(async (ctx) => {
      ctx.emit("said", "before");
      for (const number of [1, 2]) {
        await ctx.step("do", (step) => ctx.services.act(`do ${number}`, step));
        ctx.emit("said", number);
        ctx.emit("said", number * 10);
      }
    });
    await everyWay({ definitions: [runs] }, (played) => expect(emitted(played)).toEqual(["before", 1, 10, 2, 20]));
  });

  it("is told once in branches and loops that stand beside each other", async () => {
    const runs = runOf(async (ctx) => {
      const loop = (name: string) =>
        ctx.loop(name, 1, async (inner, turn) => {
          inner.emit("said", `${name}${turn}a`);
          await inner.step("do", (step) => ctx.services.act(`${name}${turn}`, step));
          inner.emit("said", `${name}${turn}b`);
          return turn < 3 ? { kind: "next", state: turn + 1 } : { kind: "done", result: null };
        });
      const branch = async () => {
        for (const number of [1, 2, 3]) {
          await ctx.step("c", (step) => ctx.services.act(`c${number}`, step));
          ctx.emit("said", `c${number}`);
        }
      };
      await ctx.all([loop("x"), loop("y"), branch()]);
      ctx.emit("said", "end");
      await ctx.step("last", () => 1);
    });
    const all = ["x1a", "x1b", "x2a", "x2b", "x3a", "x3b", "y1a", "y1b", "y2a", "y2b", "y3a", "y3b", "c1", "c2", "c3"];
    await everyWay({ definitions: [runs] }, (played) => {
      expect(emitted(played).map(String).toSorted()).toEqual([...all, "end"].toSorted());
    });
  });

  it.each<[string, unknown]>([
    ["a cycle", cycle()],
    ["a byte more than allowed", "x".repeat(32 * 1024 - 1)],
  ])("parks the run when its payload is %s", async (_what, payload) => {
    const runs = runOf(async (ctx) => ctx.emit("said", payload as string));
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked?.failure.code).toBe("bad_definition");
  });

  it("may have as many bytes as allowed", async () => {
    const runs = runOf(async (ctx) => ctx.emit("said", "x".repeat(32 * 1024 - 2)));
    expect((await playRun({ definitions: [runs] })).state.status).toBe("completed");
  });
});

describe("the time of a run", () => {
  it("is that of its last outcome, stands still between two steps, and is the same when they are replayed", async () => {
    const seen: number[][] = [];
    const runs = runOf(async (ctx) => {
      const times = [ctx.now()];
      for (const ms of [10, 20]) {
        await ctx.step("do", () => ctx.services.pause(ms));
        times.push(ctx.now(), ctx.now());
      }
      seen.push(times.map((time) => time - times[0]!));
      await ctx.step("last", () => 1);
    });
    const { state } = await playRun({ definitions: [runs], profile: oneStep });
    expect(state.status).toBe("completed");
    expect(seen.length).toBeGreaterThan(1);
    for (const times of seen) expect(times).toEqual([0, 10, 10, 30, 30]);
  });

  it("does not go back when an isolate's clock is behind", async () => {
    const runs = runOf(async (ctx) => {
      const times = [ctx.now()];
      for (let number = 0; number < 3; number += 1) {
        await ctx.sleep("nap", 3_000);
        times.push(ctx.now());
      }
      return times;
    });
    let isolates = 0;
    const director = {
      ...(await import("../simulation/director.ts")).planned(() => undefined),
      skewMs: () => ((isolates += 1) % 2 === 0 ? -4_000 : 4_000),
    };
    const { state } = await playRun({ definitions: [runs] }, director);
    const times = state.output as number[];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe("the chance of a run", () => {
  it("is the same when it is replayed, in loops as well, and another in each turn and each run", async () => {
    const passes: string[] = [];
    const runs = runOf(async (ctx) => {
      const drawn = [ctx.random(), ctx.random()];
      await ctx.loop("loop", 0, async (inner, turn) => {
        drawn.push(inner.random());
        await inner.step("keep", (step) => ctx.services.act(`turn ${turn}: ${drawn.at(-1)}`, step));
        return turn < 2 ? { kind: "next", state: turn + 1 } : { kind: "done" };
      });
      passes.push(drawn.slice(0, 2).join(" "));
      return drawn[0];
    });
    const dids = new Set<string>();
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state.output).toBeGreaterThanOrEqual(0);
      expect(state.output).toBeLessThan(1);
      dids.add(did.join("\n"));
    });
    expect(new Set(passes).size).toBe(1);
    expect(dids.size).toBe(1);
    expect(new Set([...dids][0]!.split("\n").map((line) => line.split(": ")[1])).size).toBe(3);
  });
});

function cycle(): unknown {
  const self: Record<string, unknown> = {};
  self["self"] = self;
  return self;
}
