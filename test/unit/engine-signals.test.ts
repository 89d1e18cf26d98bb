import { describe, expect, it } from "vitest";
import { actOnRun, type RunAct } from "../../src/engine/act-on-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { createEngineRig, type EngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type PlannedAct } from "../support/play-run.ts";

const signal = (id: string, name = "word", payload: string | undefined = id): RunAct => ({
  kind: "signal",
  id,
  name,
  payload,
});
const atOnce = (): boolean => true;
const whenWaiting = ({ waits }: RunState): boolean => waits.size > 0;

const waiting = (count: number, timeout?: number) =>
  runOf(async (ctx) => {
    const got: string[] = [];
    await ctx.step("before", (step) => ctx.services.act("before", step));
    for (let number = 0; number < count; number += 1) {
      const outcome = await ctx.waitForSignal("word", timeout === undefined ? {} : { timeout });
      got.push(outcome.kind === "received" ? String(outcome.payload) : outcome.kind);
    }
    return got.join(" ");
  });

const sent = (when: PlannedAct["when"], ...acts: RunAct[]): PlannedAct[] => acts.map((act) => ({ when, act }));

describe("a run that waits for a signal", () => {
  it("goes on when it comes", async () => {
    await everyWay({ definitions: [waiting(1)], acts: sent(whenWaiting, signal("a")) }, ({ state }) => {
      expect(state).toMatchObject({ status: "completed", output: "a" });
    });
  });

  it("takes at once one that came before, the oldest first, each once", async () => {
    const acts = sent(atOnce, signal("a"), signal("b"), signal("c"));
    await everyWay({ definitions: [waiting(3)], acts }, ({ state }) => {
      expect(String(state.output).split(" ").toSorted()).toEqual(["a", "b", "c"]);
      expect(state.signals).toEqual([]);
    });
  });

  it("takes them in the order in which they came", async () => {
    const acts = sent(atOnce, signal("a"), signal("b"), signal("c"));
    expect((await playRun({ definitions: [waiting(3)], acts })).state.output).toBe("a b c");
  });

  it("takes one that is sent twice once", async () => {
    const acts = [...sent(atOnce, signal("a"), signal("a")), ...sent(whenWaiting, signal("a"), signal("b"))];
    await everyWay({ definitions: [waiting(2, 60_000)], acts }, ({ state }) => expect(state.output).toBe("a b"));
  });

  it("and lets another thing win is still waiting: the signal is that wait's, not the next one's", async () => {
    const racing = (keepsPromise: boolean) =>
      runOf(async (ctx) => {
        const first = ctx.waitForSignal("word");
        await Promise.race([first, ctx.sleep("patience", 60_000)]);
        const { kind } = await (keepsPromise ? first : ctx.waitForSignal("word", { timeout: "5m" }));
        return kind;
      });
    const acts = [{ when: whenWaiting, act: signal("late"), afterMs: 90_000 }];
    expect((await playRun({ definitions: [racing(true)], acts })).state.output).toBe("received");
    expect((await playRun({ definitions: [racing(false)], acts })).state.output).toBe("timed-out");
  });

  it("is told when its time is over, and takes a later signal with the next wait", async () => {
    const acts = [{ when: whenWaiting, act: signal("late"), afterMs: 90_000 }];
    expect((await playRun({ definitions: [waiting(2, 60_000)], acts })).state.output).toBe("timed-out late");
    // Cut, it may look only when the signal is there as well; then that goes before the time.
    await everyWay({ definitions: [waiting(2, 60_000)], acts }, ({ state }) => {
      expect(String(state.output).split(" ").toSorted()).toEqual(["late", "timed-out"]);
    });
  });

  it("keeps what nobody waits for", async () => {
    const acts = sent(atOnce, signal("x", "other"), signal("a"));
    await everyWay({ definitions: [waiting(1)], acts }, ({ state }) => {
      expect(state.output).toBe("a");
      expect(state.signals.map(({ id }) => id)).toEqual(["x"]);
    });
  });

  it("gets null for a signal without a payload", async () => {
    const acts = sent(whenWaiting, { kind: "signal", id: "a", name: "word", payload: undefined });
    expect((await playRun({ definitions: [waiting(1)], acts })).state.output).toBe("null");
  });

  it("beside another gives each signal to one of them", async () => {
    const runs = runOf(async (ctx) => {
      const outcomes = await ctx.all([ctx.waitForSignal("word"), ctx.waitForSignal("word")]);
      return outcomes.map((outcome) => (outcome.kind === "received" ? outcome.payload : "-")).join(" ");
    });
    await everyWay({ definitions: [runs], acts: sent(whenWaiting, signal("a"), signal("b")) }, ({ state }) => {
      expect(String(state.output).split(" ").toSorted()).toEqual(["a", "b"]);
    });
  });

  it.each(["", "x".repeat(201), "$child x"])("for %s, which is no name, is parked", async (name) => {
    const runs = runOf((ctx) => ctx.waitForSignal(name));
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked?.failure.code).toBe("bad_definition");
  });
});

describe("a signal", () => {
  async function waitingRig(): Promise<{
    rig: EngineRig;
    ref: RunRef;
    act: (act: RunAct) => ReturnType<typeof actOnRun>;
  }> {
    const runs = waiting(1);
    const rig = createEngineRig([runs]);
    rig.parts();
    const ref = await rig.start(runs, {}, { services: { act: async () => null } });
    return { rig, ref, act: (act) => actOnRun(rig.parts(), ref, act) };
  }

  it("is refused when a hundred are kept that nobody has taken", async () => {
    const { act } = await waitingRig();
    for (let number = 1; number <= 100; number += 1) {
      expect(await act(signal(`s${number}`, "other"))).toEqual({ kind: "done" });
    }
    expect(await act(signal("s101", "other"))).toMatchObject({ kind: "refused" });
    expect(await act(signal("s1", "other"))).toEqual({ kind: "repeated" });
  });

  it("of the engine itself always has room, for the run awaits it", async () => {
    const { act } = await waitingRig();
    for (let number = 1; number <= 100; number += 1) await act(signal(`s${number}`, "other"));
    expect(await act(signal("call:x", "$call x"))).toEqual({ kind: "done" });
  });

  it.each<[string, RunAct[], Awaited<ReturnType<typeof actOnRun>>]>([
    ["the same one is repeated", [signal("a")], { kind: "repeated" }],
    ["another is done", [signal("b", "other")], { kind: "done" }],
    [
      "one too many is refused",
      Array.from({ length: 100 }, (_act, index) => signal(`s${index}`, "other")),
      { kind: "refused", reason: "The run has 100 signals that it has not taken yet." },
    ],
  ])("between whose reading and writing came %s", async (_case, acts, outcome) => {
    const { rig, ref, act } = await waitingRig();
    const { journal } = rig.parts();
    const late: typeof journal = {
      ...journal,
      async act(of, order) {
        for (const earlier of acts) await act(earlier);
        return journal.act(of, order);
      },
    };
    expect(await actOnRun(rig.parts({ journal: late }), ref, signal("a", "other"))).toEqual(outcome);
    await rig.deliverAll();
  });

  it("finds no run where there is none, and is refused by one that is over", async () => {
    const { rig, act } = await waitingRig();
    const nobody = { userId: "usr_1", runId: "run_nobody" };
    expect(await actOnRun(rig.parts(), nobody, signal("a"))).toEqual({ kind: "unknown" });
    expect(await act({ kind: "cancel", reason: "enough", isUndoing: true })).toEqual({ kind: "done" });
    await rig.deliverAll();
    expect(await act(signal("a"))).toEqual({ kind: "refused", reason: "The run was cancelled." });
  });

  it("that comes between the run's last look and the giving back of its lease wakes it all the same", async () => {
    // The signal lands while the segment that suspends the run is writing that it does.
    for (let count = 1; count <= 5; count += 1) {
      const when = ({ length }: RunState): boolean => length >= count;
      const { state, elapsedMs } = await playRun({ definitions: [waiting(1)], acts: sent(when, signal("a")) });
      expect(state.output).toBe("a");
      expect(elapsedMs).toBeLessThan(1_000);
    }
  });
});
