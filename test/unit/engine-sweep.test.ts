/** Who restarts a dead run when nobody else does. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import { formatEntry } from "../../src/engine/journal-entry.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { parkedPlace } from "../../src/engine/parked-runs.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { runOf } from "../support/play-run.ts";

const waiting = runOf((ctx) => ctx.waitForSignal("word"));
const napping = runOf((ctx) => ctx.sleep("nap", 3_600_000));
const dayMs = 86_400_000;

/** Runs of which only the start is written, as by somebody who died then. */
async function stranded(count: number) {
  const rig = createEngineRig([napping]);
  const now = rig.clock.now();
  const refs: RunRef[] = [];
  for (let number = 0; number < count; number += 1) {
    const ref = { userId: "usr_1", runId: `run_s${number}` };
    const record = { type: "started", definition: "under-test", version: 1, input: {} } as const;
    const entries = [formatEntry({ writer: "-", seq: 0, at: now, record })];
    await rig.journal.start(ref, { entries, startedAtMs: now, dueAtMs: now + number });
    refs.push(ref);
  }
  await rig.clock.advance(120_000);
  rig.journal.calls.length = 0;
  return { rig, refs };
}

const idOf = ({ runId }: RunRef): string => runId;

describe("the sweep", () => {
  it("asks once and does nothing when nothing is due", async () => {
    const rig = createEngineRig([napping]);
    await rig.start(napping);
    rig.journal.calls.length = 0;
    expect(await sweep(rig.parts())).toEqual({ seen: 0, triggered: 0, forgotten: 0 });
    expect(rig.journal.calls).toEqual([]);
  });

  it("triggers what has stopped on its way, and looks at it again a minute later", async () => {
    const { rig, refs } = await stranded(1);
    expect(await sweep(rig.parts())).toEqual({ seen: 1, triggered: 1, forgotten: 0 });
    expect(rig.queued.map(({ trigger }) => trigger.ref.runId)).toEqual(["run_s0"]);
    expect(rig.journal.dueAt(refs[0]!)).toBe(rig.clock.now() + limits.sweepAgainMs);
    await rig.deliverAll();
    expect(rig.state(refs[0]!).status).toBe("completed");
  });

  it("looks at fifty runs a round, the longest overdue first, with five journals in its memory at once", async () => {
    const { rig } = await stranded(120);
    expect(await sweep(rig.parts())).toMatchObject({ seen: 50, triggered: 50 });
    expect(rig.journal.calls.filter((name) => name === "readMany")).toHaveLength(10);
    expect(rig.queued[0]?.trigger.ref.runId).toBe("run_s0");
    expect(await sweep(rig.parts())).toMatchObject({ seen: 50 });
    expect(await sweep(rig.parts())).toMatchObject({ seen: 20 });
    expect(await sweep(rig.parts())).toMatchObject({ seen: 0 });
  });

  it("that is killed by a journal does not stop at it the next time", async () => {
    const { rig } = await stranded(7);
    const deadly = { ...rig.journal, readMany: () => Promise.reject(new Error("out of memory")) };
    await expect(sweep(rig.parts({ journal: deadly }))).rejects.toThrow("out of memory");
    expect(rig.journal.runs().every((ref) => rig.journal.dueAt(ref)! > rig.clock.now())).toBe(true);
  });

  it("sends for what it has read when a later read fails", async () => {
    const { rig } = await stranded(12);
    let reads = 0;
    const failing: typeof rig.journal.readMany = (refs) =>
      (reads += 1) === 2 ? Promise.reject(new Error("no answer")) : rig.journal.readMany(refs);
    await expect(sweep(rig.parts({ journal: { ...rig.journal, readMany: failing } }))).rejects.toThrow("no answer");
    expect(rig.queued.map(({ trigger }) => trigger.ref.runId)).toEqual(rig.journal.runs().slice(0, 5).map(idOf));
  });

  it("that is killed at the same place each time has sent for the runs before it within four rounds", async () => {
    const { rig } = await stranded(12);
    for (let round = 0; round < 4; round += 1) {
      let isDead = false;
      let reads = 0;
      const readMany: typeof rig.journal.readMany = (refs) => {
        isDead = (reads += 1) === 2;
        return isDead ? Promise.reject(new Error("killed")) : rig.journal.readMany(refs);
      };
      const parts = rig.parts({ journal: { ...rig.journal, readMany } });
      const { triggerNextSteps } = parts.queue;
      const mortal: typeof triggerNextSteps = (triggers) =>
        isDead ? Promise.reject(new Error("killed")) : triggerNextSteps(triggers);
      await expect(sweep({ ...parts, queue: { ...parts.queue, triggerNextSteps: mortal } })).rejects.toThrow("killed");
      await rig.clock.advance(limits.sweepAgainMs);
    }
    expect(rig.queued).toHaveLength(5);
  });

  it("sends for fifty runs in two requests, and leaves what the queue refuses to the next round", async () => {
    const { rig, refs } = await stranded(50);
    const parts = rig.parts();
    const requests: number[] = [];
    const triggerNextSteps: typeof parts.queue.triggerNextSteps = async (triggers) => {
      requests.push(triggers.length);
      return triggers.map(({ ref }) =>
        ref.runId === "run_s3" ? new AppError("internal", "this one never") : undefined,
      );
    };
    const queue = { ...parts.queue, triggerNextSteps };
    expect(await sweep({ ...parts, queue })).toEqual({ seen: 50, triggered: 49, forgotten: 0 });
    expect(requests).toEqual([25, 25]);
    expect(rig.journal.dueAt(refs[3]!)).toBe(rig.clock.now() + limits.sweepAgainMs);
  });

  it("twice at once triggers a run twice, and the run goes on once", async () => {
    const { rig, refs } = await stranded(1);
    await Promise.all([sweep(rig.parts()), sweep(rig.parts())]);
    await rig.deliverAll();
    expect(rig.state(refs[0]!).status).toBe("completed");
    expect(rig.journal.entries(refs[0]!).filter((entry) => entry.includes(" waiting "))).toHaveLength(1);
  });

  it("leaves alone what is in order, and says when it looks again", async () => {
    const rig = createEngineRig([waiting, runOf(() => Promise.reject(new TypeError("x")), "broken")]);
    const started = async (name: string): Promise<RunRef> => rig.start(rig.parts().registry.get(name)!);
    const wait = await started("under-test");
    const parkedAtMs = rig.clock.now();
    const parked = await started("broken");
    const paused = await started("under-test");
    await actOnRun(rig.parts(), paused, { kind: "pause" });
    await rig.clock.advance(dayMs + 1);
    expect(await sweep(rig.parts())).toMatchObject({ seen: 2, triggered: 0, forgotten: 0 });
    for (const ref of [wait, paused]) expect(rig.journal.dueAt(ref)).toBe(rig.clock.now() + dayMs);
    expect(rig.journal.dueAt(parked)).toBe(parkedPlace(parkedAtMs));
  });

  it("wakes a run to which a signal has come that nobody told it of", async () => {
    const rig = createEngineRig([waiting]);
    const ref = await rig.start(waiting);
    rig.queued.length = 0;
    const queue = { ...rig.parts().queue, triggerNextStep: () => Promise.reject(new Error("killed")) };
    const act = { kind: "signal", id: "a", name: "word", payload: 1 } as const;
    await expect(actOnRun(rig.parts({ queue }), ref, act)).rejects.toThrow("killed");
    // The client that repeats it hears that it was there; the run is woken all the same.
    expect(await actOnRun(rig.parts(), ref, act)).toEqual({ kind: "repeated" });
    await rig.clock.advance(limits.sweepSlackMs);
    expect(await sweep(rig.parts())).toMatchObject({ triggered: 1 });
    await rig.deliverOne();
    expect(rig.state(ref).status).toBe("completed");
  });

  it("lets go what is over and was not let go, once its parent was told", async () => {
    const child = runOf(async () => "done", "child");
    const parent = runOf((ctx) => ctx.child("child", child, {}));
    const rig = createEngineRig([parent, child]);
    const ref = await rig.start(parent);
    const dueRuns = { ...rig.journal, retire: () => Promise.reject(new Error("killed")) };
    const journal = { ...rig.journal, act: () => Promise.reject(new Error("killed")) };
    await expect(rig.deliverOne({ dueRuns, journal })).rejects.toThrow("killed");
    const childRef = rig.journal.runs().find(({ runId }) => runId !== ref.runId)!;
    expect(rig.state(childRef).status).toBe("completed");
    expect(rig.state(ref).status).toBe("waiting");
    await rig.clock.advance(120_000);
    expect(await sweep(rig.parts())).toMatchObject({ forgotten: 1 });
    expect(rig.journal.dueAt(childRef)).toBeUndefined();
    await rig.deliverOne();
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: "done" });
  });

  it("does not let go what was retried since it looked", async () => {
    const rig = createEngineRig([
      runOf((ctx) => ctx.step("fail", () => Promise.reject(new Error("no")), { retries: 0 })),
    ]);
    const ref = await rig.start(rig.parts().registry.get("under-test")!);
    expect(rig.state(ref).status).toBe("failed");
    await rig.journal.register(ref, rig.clock.now());
    const readMany: typeof rig.journal.readMany = async (refs) => {
      const read = await rig.journal.readMany(refs);
      await rig.journal.act(ref, {
        entry: formatEntry({ writer: "-", seq: 0, at: rig.clock.now(), record: { type: "retry" } }),
        dueAtMs: rig.clock.now(),
      });
      return read;
    };
    await sweep(rig.parts({ journal: { ...rig.journal, readMany } }));
    expect(rig.journal.dueAt(ref)).toBeDefined();
    expect(foldRun(rig.journal.entries(ref)).state.status).toBe("running");
  });

  it("forgets a run whose journal is gone", async () => {
    const { rig, refs } = await stranded(1);
    rig.journal.forget(refs[0]!);
    expect(await sweep(rig.parts())).toEqual({ seen: 1, triggered: 0, forgotten: 1 });
    expect(rig.journal.dueAt(refs[0]!)).toBeUndefined();
  });
});
