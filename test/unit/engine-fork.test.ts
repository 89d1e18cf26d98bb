/** A run that begins with what another one has done. */
import { describe, expect, it } from "vitest";
import { forkRun, type ForkRequest } from "../../src/engine/fork-run.ts";
import { runEvents } from "../../src/engine/follow-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { AnyRunDefinition, WordOn } from "../../src/engine/run-definition.ts";
import { createEngineRig, type EngineRig } from "../support/engine-rig.ts";
import { runOf } from "../support/play-run.ts";

const fork: RunRef = { userId: "usr_1", runId: "run_fork" };

/** Steps that say what they did, and for which run. */
function recording() {
  const did: string[] = [];
  const services = {
    act: async (what: string, { idempotencyKey }: { idempotencyKey: string }, result: unknown) => {
      did.push(`${idempotencyKey.split("/")[0]} ${what}`);
      return result;
    },
  };
  return { did, services };
}

async function forked(
  definition: AnyRunDefinition<any>,
  over: Partial<ForkRequest<any>> & { readonly startInput?: unknown },
): Promise<{ rig: EngineRig; source: RunRef; did: string[]; outcome: Awaited<ReturnType<typeof forkRun>> }> {
  const { did, services } = recording();
  const rig = createEngineRig([definition]);
  const source = await rig.start(definition, over.startInput ?? { by: "train" }, { services });
  await rig.deliverAll({ services });
  did.length = 0;
  await rig.clock.advance(5_000);
  const request = { source, ref: fork, definition, steps: 2, isDry: false, ...over };
  const outcome = await forkRun(rig.parts(), request);
  await rig.deliverAll({ services });
  return { rig, source, did, outcome };
}

const trip = runOf(async (ctx, input: { by: string }) => {
  const from = await ctx.step("from", (step) => ctx.services.act("from", step, "home"));
  const to = await ctx.step("to", (step) => ctx.services.act("to", step, "sea"), {
    compensate: (_result, step) => ctx.services.act("undo to", step),
  });
  const ticket = await ctx.step("buy", (step) => ctx.services.act(`buy ${input.by}`, step, 7));
  return `${from} ${to} ${input.by} ${ticket}`;
});

describe("a fork", () => {
  it("takes over the outcomes of the first steps and does the others anew", async () => {
    const { rig, source, did } = await forked(trip, { steps: 2 });
    expect(rig.state(fork)).toMatchObject({
      status: "completed",
      output: "home sea train 7",
      started: { forkedFrom: { runId: source.runId, steps: 2 } },
    });
    expect(did).toEqual(["run_fork buy train"]);
  });

  it("goes another way with another input", async () => {
    const { rig, did } = await forked(trip, { steps: 2, input: { by: "bike" } });
    expect(rig.state(fork).output).toBe("home sea bike 7");
    expect(did).toEqual(["run_fork buy bike"]);
  });

  it("of no steps begins at the beginning, of all of them does nothing", async () => {
    expect((await forked(trip, { steps: 0 })).did).toEqual(["run_fork from", "run_fork to", "run_fork buy train"]);
    const all = await forked(trip, { steps: 3 });
    expect(all.did).toEqual([]);
    expect(all.rig.state(fork).status).toBe("completed");
  });

  it("of more steps than there are, or of no run, is refused", async () => {
    expect((await forked(trip, { steps: 4 })).outcome).toMatchObject({ kind: "refused" });
    const nobody = { userId: "usr_1", runId: "run_nobody" };
    expect((await forked(trip, { source: nobody })).outcome).toEqual({ kind: "unknown" });
  });

  it("does not undo what it has taken over: that belongs to its source", async () => {
    const failing = runOf(async (ctx) => {
      await ctx.step("to", (step) => ctx.services.act("to", step, 1), {
        compensate: (_result, step) => ctx.services.act("undo to", step, 1),
      });
      await ctx.step("fail", () => Promise.reject(new Error("no")), { retries: 0 });
    });
    const { rig, did } = await forked(failing, { steps: 1 });
    expect(rig.state(fork).status).toBe("failed");
    expect(did).toEqual([]);
  });

  it("of a fork is a fork of the first one's steps as well", async () => {
    const { rig, did } = await forked(trip, { steps: 2 });
    const second = { userId: "usr_1", runId: "run_second" };
    await forkRun(rig.parts(), { source: fork, ref: second, definition: trip, steps: 3, isDry: false });
    await rig.deliverAll();
    expect(rig.state(second).output).toBe("home sea train 7");
    expect(did).toEqual(["run_fork buy train"]);
  });
});

describe("a fork of a run in which a person has agreed to steps", () => {
  /** As agents ask: for all at once, before any is done. */
  const asking = runOf(async (ctx) => {
    await ctx.step("plan", (step) => ctx.services.act("plan", step, 1));
    for (const name of ["a", "b", "c"]) await ctx.step(`word ${name}`, () => name !== "c");
    await ctx.all(["a", "b"].map((name) => ctx.step(name, (step) => ctx.services.act(name, step, 1))));
    await ctx.step("end", (step) => ctx.services.act("end", step, 1));
  });
  const wordOn: WordOn = (step, value) =>
    step.startsWith("word ") ? { step: step.slice("word ".length), isYes: value === true } : undefined;
  const agreed = { ...asking, wordOn };

  it.each([
    ["a yes whose step is to be done again is not taken over, nor what was said behind it", 2, 1],
    ["the same with a no as the last word", 4, 1],
    ["a yes is taken over with its step, and so is a no", 6, 6],
    ["what comes behind is taken over as ever", 7, 7],
  ])("%s", async (_what, steps, taken) => {
    const { rig, source } = await forked(agreed, { steps });
    const { settled, started } = rig.state(fork);
    expect(started?.forkedFrom).toEqual({ runId: source.runId, steps: taken });
    expect(settled.map(({ step }) => step)).toEqual(rig.state(source).settled.map(({ step }) => step));
  });

  it("is refused where it would do again what it is to take over, and says what it can take", async () => {
    const { outcome, did } = await forked(agreed, { steps: 5 });
    expect(outcome).toEqual({
      kind: "refused",
      reason: expect.stringMatching(/agreed to "b" once.*take over 1 steps or fewer, or "b" as well/) as unknown,
    });
    expect(did).toEqual([]);
  });
});

describe("a dry fork", () => {
  const mixed = (withResult: boolean) =>
    runOf(async (ctx) => {
      await ctx.step("from", (step) => ctx.services.act("from", step, 1));
      const price = await ctx.step("look", (step) => ctx.services.act("look", step, 3), { effect: "read" });
      return ctx.step("buy", (step) => ctx.services.act("buy", step, price), withResult ? { dryResult: 99 } : {});
    });

  it("runs steps that read, and lets those that write answer with what they say for that", async () => {
    const { rig, did } = await forked(mixed(true), { steps: 1, isDry: true });
    expect(did).toEqual(["run_fork look"]);
    expect(rig.state(fork)).toMatchObject({ status: "completed", output: 99 });
  });

  it("is parked at a step that writes and says nothing for that", async () => {
    const { rig, did } = await forked(mixed(false), { steps: 1, isDry: true });
    expect(did).toEqual(["run_fork look"]);
    expect(rig.state(fork)).toMatchObject({ status: "parked", parked: { step: "buy", failure: { code: "dry_run" } } });
  });

  it("has dry children", async () => {
    const child = runOf(
      (ctx) => ctx.step("pay", (step) => ctx.services.act("pay", step, 1), { dryResult: 5 }),
      "child",
    );
    const parent = runOf((ctx) => ctx.child("child", child, {}));
    const rig = createEngineRig([parent, child]);
    const { did, services } = recording();
    const source = await rig.start(parent, {}, { services });
    await rig.deliverAll({ services });
    did.length = 0;
    await forkRun(rig.parts(), { source, ref: fork, definition: parent, steps: 0, isDry: true });
    await rig.deliverAll({ services });
    expect(rig.state(fork)).toMatchObject({ status: "completed", output: 5 });
    expect(did).toEqual([]);
  });
});

describe("a fork takes the same path as its source", () => {
  it("where the code goes by chance or by time", async () => {
    const wandering = runOf(async (ctx) => {
      const names: string[] = [];
      for (let number = 0; number < 4; number += 1) {
        const name = ctx.random() < 0.5 ? "left" : "right";
        names.push(await ctx.step(name, (step) => ctx.services.act(name, step, `${name}@${ctx.now() % 2}`)));
        await ctx.step(`at ${ctx.now()}`, () => 1);
      }
      return names;
    });
    const { rig, source } = await forked(wandering, { steps: 8 });
    expect(rig.state(fork)).toMatchObject({ status: "completed", output: rig.state(source).output });
  });

  it("where it has emitted events: they are not emitted again, and later ones each once, in loops as well", async () => {
    const telling = runOf(async (ctx) => {
      ctx.emit("said", "begin");
      await ctx.loop("loop", 0, async (inner, turn) => {
        inner.emit("said", turn);
        await inner.step("do", (step) => ctx.services.act(`do ${turn}`, step, 1));
        return turn < 3 ? { kind: "next", state: turn + 1 } : { kind: "done" };
      });
      ctx.emit("said", "end");
      await ctx.step("last", (step) => ctx.services.act("last", step, 1));
    });
    const said = (rig: EngineRig, ref: RunRef): unknown[] =>
      runEvents(rig.journal.entries(ref)).flatMap(({ type, data }) => (type === "said" ? [data["payload"]] : []));
    const { rig, source } = await forked(telling, { steps: 1 });
    expect(said(rig, source)).toEqual(["begin", 0, 1, 2, 3, "end"]);
    expect(said(rig, fork)).toEqual(["end"]);
    expect(rig.state(fork).status).toBe("completed");
  });
});
