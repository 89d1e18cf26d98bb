/** A cancellation that was accepted takes effect, wherever it comes. */
import { describe, expect, it } from "vitest";
import { actOnRun, type RunAct } from "../../src/engine/act-on-run.ts";
import type { Duration } from "../../src/engine/duration.ts";
import { NonRetryableError, RunFailed } from "../../src/engine/failures.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { fates, planned, type Fate } from "../simulation/director.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf } from "../support/play-run.ts";

const cancel = (isUndoing: boolean) => ({ kind: "cancel", reason: "enough", isUndoing }) as const;

const booking = runOf(async (ctx) => {
  for (const what of ["a", "b", "c", "d"]) {
    await ctx.step(what, (step) => ctx.services.act(what, step), {
      compensate: (_result, step) => ctx.services.act(`undo ${what}`, step),
    });
  }
  await ctx.waitForSignal("word", { timeout: "1h" });
  return "booked";
});

const settled =
  (count: number) =>
  (state: RunState): boolean =>
    state.settled.length >= count;

describe("a run that is cancelled", () => {
  it.each([0, 1, 2, 3, 4])("after %i steps undoes what it has done by then, and does nothing more", async (count) => {
    const acts = [{ when: settled(count), act: cancel(true) }];
    await everyWay({ definitions: [booking], acts }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "cancelled", failure: { code: "run_cancelled", message: "enough" } });
      const done = did.filter((what) => !what.startsWith("undo"));
      expect(did.slice(done.length)).toEqual(done.map((what) => `undo ${what}`).toReversed());
      expect(done.length).toBeLessThanOrEqual(4);
    });
  });

  it("between two segments begins no further step", async () => {
    const rig = createEngineRig([booking], { ...budgetProfiles.paid, steps: 1 });
    const did: string[] = [];
    const services = { act: async (what: string) => void did.push(what) };
    const ref = await rig.start(booking, {}, { services });
    expect(rig.state(ref)).toMatchObject({ status: "running", holder: undefined });
    await actOnRun(rig.parts(), ref, cancel(true));
    await rig.deliverAll({ services });
    expect(did).toEqual(["a", "undo a"]);
    expect(rig.state(ref).status).toBe("cancelled");
  });

  it("without undoing leaves everything as it is", async () => {
    const acts = [{ when: settled(2), act: cancel(false) }];
    await everyWay({ definitions: [booking], acts }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "cancelled", undoing: undefined });
      expect(did.filter((what) => what.startsWith("undo"))).toEqual([]);
    });
  });

  it("while a step is under way aborts the step's signal, and waits for the step", async () => {
    const heard: string[] = [];
    const runs = runOf((ctx) =>
      ctx.step(
        "long",
        async (step) => {
          step.signal.addEventListener("abort", () => heard.push((step.signal.reason as Error).message));
          await ctx.services.pause(20_000);
          await ctx.services.act("long", step);
        },
        { compensate: (_result, step) => ctx.services.act("undo long", step) },
      ),
    );
    const acts = [{ when: () => true, act: cancel(true), afterMs: 1_000 }];
    const { state, did } = await playRun({ definitions: [runs], acts });
    expect(heard).toEqual(["the run was cancelled"]);
    expect(did).toEqual(["long", "undo long"]);
    expect(state.status).toBe("cancelled");
  });

  it("hears of it at its next sign of life, eight seconds later at most", async () => {
    let heardAfterMs = 0;
    const runs = runOf((ctx) =>
      ctx.step(
        "long",
        ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(new Error("stopped")));
          }),
        { timeout: "10m" },
      ),
    );
    const acts = [{ when: () => true, act: cancel(true), afterMs: 30_000 }];
    const { state, elapsedMs } = await playRun({ definitions: [runs], acts });
    heardAfterMs = elapsedMs - 30_000;
    expect(state.status).toBe("cancelled");
    expect(heardAfterMs).toBeLessThanOrEqual(8_000);
  });

  it("twice is cancelled once, and what is undone already cannot be cancelled", async () => {
    const rig = createEngineRig([booking]);
    const ref = await rig.start(booking, {}, { services: { act: async () => null } });
    expect(await actOnRun(rig.parts(), ref, cancel(true))).toEqual({ kind: "done" });
    expect(await actOnRun(rig.parts(), ref, cancel(true))).toEqual({ kind: "repeated" });
    await rig.deliverAll({ services: { act: () => Promise.reject(new NonRetryableError("stuck")) } });
    expect(rig.state(ref).status).toBe("parked");
    expect(await actOnRun(rig.parts(), ref, cancel(true))).toMatchObject({ kind: "refused" });
  });
});

describe("a run that no code can help", () => {
  const isParked = ({ status }: RunState): boolean => status === "parked";
  const diverged = (): ReturnType<typeof runOf<void>> => {
    let passes = 0;
    return runOf(async (ctx) => {
      passes += 1;
      await ctx.step("flight", (step) => ctx.services.act("flight", step), {
        compensate: (_result, step) => ctx.services.act("undo flight", step),
      });
      await ctx.step(passes === 1 ? "hotel" : "hostel", () => 1);
      await ctx.sleep("nap", "1h");
    });
  };

  it("because it has diverged is cancelled, and undoes what its code can still undo", async () => {
    const acts = [{ when: isParked, act: cancel(true) }];
    const { state, did } = await playRun({ definitions: [diverged()], acts });
    expect(state.status).toBe("cancelled");
    expect(did).toEqual(["flight", "undo flight"]);
  });

  it("because its code throws again and again is cancelled all the same", async () => {
    const broken = runOf(async (ctx) => {
      await ctx.step("flight", (step) => ctx.services.act("flight", step), {
        compensate: (_result, step) => ctx.services.act("undo flight", step),
      });
      throw new TypeError("a defect");
    });
    const acts = [{ when: isParked, act: cancel(true) }];
    await everyWay({ definitions: [broken], acts }, ({ state, did }) => {
      expect(state.status).toBe("cancelled");
      expect(did).toEqual(["flight", "undo flight"]);
    });
  });

  /** A booking whose build is gone while it waits. */
  async function orphaned() {
    const rig = createEngineRig([booking]);
    const services = { act: async () => null };
    const ref = await rig.start(booking, {}, { services });
    const registry = createEngineRig([]).parts().registry;
    const act = async (order: RunAct): Promise<string> => {
      const outcome = await actOnRun(rig.parts(), ref, order);
      await rig.deliverAll({ services, registry });
      return outcome.kind;
    };
    await act({ kind: "pause" });
    await act({ kind: "resume" });
    expect(rig.state(ref).parked?.failure.code).toBe("unknown_definition");
    return { act, state: () => rig.state(ref) };
  }

  it("because this build does not have it is parked when something has to be undone", async () => {
    const { act, state } = await orphaned();
    expect(await act(cancel(true))).toBe("done");
    expect(state()).toMatchObject({ status: "parked", parked: { failure: { code: "unknown_definition" } } });
  });

  it("is given up by a cancellation that undoes nothing, also after one that was to undo", async () => {
    const once = await orphaned();
    expect(await once.act(cancel(false))).toBe("done");
    expect(once.state().status).toBe("cancelled");
    const twice = await orphaned();
    await twice.act(cancel(true));
    expect(await twice.act(cancel(false))).toBe("done");
    expect(twice.state().status).toBe("cancelled");
  });

  it("is given up in the middle of its compensation, and says with what it had failed", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("flight", () => 1, { compensate: () => Promise.reject(new NonRetryableError("never")) });
      throw new RunFailed("no visa");
    });
    const acts = [{ when: isParked, act: cancel(false) }];
    const { state } = await playRun({ definitions: [runs], acts });
    expect(state).toMatchObject({ status: "failed", failure: { message: "no visa" } });
  });
});

describe("a step that was under way when its segment died", () => {
  it("is done again before a cancellation undoes it, for it may have happened", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("charge", (step) => ctx.services.act("charge", step), {
        compensate: (_result, step) => ctx.services.act("refund", step),
      });
      await ctx.sleep("nap", "1h");
    });
    const killed = planned(({ name }) => (name.startsWith("effect run_1/charge") ? died() : undefined));
    let deaths = 0;
    const died = (): Fate | undefined => ((deaths += 1) === 1 ? fates.killAfter : undefined);
    const acts = [{ when: () => true, act: cancel(true), afterMs: 5_000 }];
    const { state, happened } = await playRun({ definitions: [runs], acts }, killed);
    expect(state.status).toBe("cancelled");
    expect(happened).toEqual(["charge", "charge", "refund"]);
  });

  it("is not done again when it kills whoever does it: then the run ends without it", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("deadly", (step) => ctx.services.act("deadly", step), { compensate: () => 1 });
    });
    const killed = planned(({ name }) => (name.startsWith("effect") ? fates.killBefore : undefined));
    const acts = [{ when: () => true, act: cancel(true), afterMs: 5_000 }];
    const { state } = await playRun({ definitions: [runs], acts }, killed);
    expect(state).toMatchObject({ status: "cancelled", segments: 4 });
  });
});

describe("a step whose attempt failed when its run was cancelled", () => {
  /** Its first so many answers are lost; meanwhile another branch would go on. */
  function charging(retries: number, backoff: Duration) {
    return runOf(async (ctx) => {
      await ctx.all([
        ctx.step("charge", (step) => ctx.services.act("charge", step), {
          retries,
          backoff,
          compensate: (_result, step) => ctx.services.act("refund", step),
        }),
        ctx.sleep("nap", "5s").then(() => ctx.step("after", (step) => ctx.services.act("after", step))),
      ]);
    });
  }
  const losing = (count: number) => {
    let lost = 0;
    return planned(({ name }) =>
      name.startsWith("effect run_1/charge") && (lost += 1) <= count ? fates.failAfter : undefined,
    );
  };
  const cancelAfter = (afterMs: number) => [{ when: () => true, act: cancel(true), afterMs }];

  it.each([
    ["in the same segment", "1s", 200],
    ["in another segment", "10s", 1_000],
  ] as const)("is made again %s, for it may have happened, and is undone", async (_case, backoff, afterMs) => {
    const definitions = [charging(3, backoff)];
    const { state, happened } = await playRun({ definitions, acts: cancelAfter(afterMs) }, losing(1));
    expect(state.status).toBe("cancelled");
    // What begins after the cancellation is that step alone.
    expect(happened).toEqual(["charge", "charge", "refund"]);
  });

  it("is tried as often as it may be, and what never answers is a failure", async () => {
    const { state, happened } = await playRun({ definitions: [charging(2, "1s")], acts: cancelAfter(500) }, losing(9));
    expect(state.status).toBe("cancelled");
    expect(happened).toEqual(["charge", "charge", "charge"]);
  });

  it("is left as it is by a cancellation that undoes nothing", async () => {
    const acts = [{ when: () => true, act: cancel(false), afterMs: 1_000 }];
    const { state, happened } = await playRun({ definitions: [charging(3, "10s")], acts }, losing(1));
    expect(state.status).toBe("cancelled");
    expect(happened).toEqual(["charge"]);
  });
});
