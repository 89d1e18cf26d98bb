/** A run as a file, and its replay elsewhere. */
import { describe, expect, it } from "vitest";
import { createRunRegistry, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { exportRun, replayRun } from "../../src/engine/run-file.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

const booking = (...names: string[]) =>
  runOf(async (ctx: PlayContext) => {
    ctx.emit("said", "hello");
    for (const name of names) await ctx.step(name, (step) => ctx.services.act(name, step));
    await ctx.loop("loop", 0, async (inner, turn) => {
      await inner.step("turn", () => turn);
      return turn < 2 ? { kind: "next", state: turn + 1 } : { kind: "done" };
    });
    await ctx.sleep("nap", "1h");
    return ctx.all([ctx.step("left", () => 1), ctx.step("right", () => 2)]);
  });

/** Whoever uses the services outside of a step gets what is coming to them. */
const services = {
  act: () => {
    throw new Error("a replay does nothing");
  },
};

const replay = (definitions: readonly AnyRunDefinition<any>[], journal: readonly string[]) =>
  replayRun(createRunRegistry<any>(definitions), { runId: "run_1", userId: "usr_1", journal, services });

describe("a run file", () => {
  it("has the run, its journal, its events and its receipt, and survives JSON", async () => {
    const { entries } = await playRun({ definitions: [booking("a", "b")] });
    const file = exportRun("run_1", entries, 5);
    expect(file).toMatchObject({
      format: "skipstone-run",
      formatVersion: 1,
      exportedAt: 5,
      run: { runId: "run_1", definition: "under-test", status: "completed", output: [1, 2] },
      receipt: { runId: "run_1", segments: 2, isFinal: true },
    });
    expect(file.events.at(0)?.type).toBe("workflow-started");
    expect(file.events.at(-1)?.type).toBe("workflow-completed");
    expect(file.journal).toEqual(entries);
    expect(JSON.parse(JSON.stringify(file))).toEqual(JSON.parse(JSON.stringify(exportRun("run_1", file.journal, 5))));
  });

  it("of a run that is not there says so", () => {
    expect(exportRun("run_1", [], 5)).toMatchObject({ run: undefined, events: [], journal: [] });
  });
});

describe("a replay", () => {
  it("of every beginning of a journal goes the way of the journal and does nothing", async () => {
    const runs = booking("a", "b");
    const { entries } = await playRun({ definitions: [runs] });
    for (let length = 1; length <= entries.length; length += 1) {
      expect(await replay([runs], entries.slice(0, length))).toMatchObject({ kind: "same" });
    }
  });

  it("says which step would be done next", async () => {
    const runs = booking("a", "b");
    const { entries } = await playRun({ definitions: [runs] });
    const untilDone = (step: string): string[] =>
      entries.slice(0, entries.findIndex((entry) => entry.includes(`done {"step":"${step}"`)) + 1);
    expect(await replay([runs], entries.slice(0, 2))).toEqual({ kind: "same", next: "a" });
    expect(await replay([runs], untilDone("a"))).toEqual({ kind: "same", next: "b" });
    expect(await replay([runs], untilDone("b"))).toEqual({ kind: "same", next: "loop[0]/turn" });
    expect(await replay([runs], entries)).toEqual({ kind: "same", next: undefined });
  });

  it("of compacted journals goes the same way", async () => {
    const runs = booking("a", "b");
    const { foldRun } = await import("../../src/engine/fold-run.ts");
    const { formatEntry } = await import("../../src/engine/journal-entry.ts");
    const { entries } = await playRun({ definitions: [runs] });
    for (let at = 1; at < entries.length; at += 1) {
      const record = foldRun(entries.slice(0, at)).snapshot();
      const snapshot = formatEntry({ writer: "-", seq: 0, at: 1, record });
      expect(await replay([runs], [snapshot, ...entries.slice(at)])).toEqual({ kind: "same", next: undefined });
    }
  });

  it("by another build says where it diverges, and by one that lacks the run that it does", async () => {
    const { entries } = await playRun({ definitions: [booking("a", "b")] });
    expect(await replay([booking("a", "x")], entries)).toMatchObject({
      kind: "diverged",
      step: "b",
      failure: { code: "run_diverged" },
    });
    expect(await replay([], entries)).toMatchObject({ kind: "diverged", failure: { code: "unknown_definition" } });
  });

  it("of code that waits for something that is no step ends, and says so", async () => {
    const { entries } = await playRun({ definitions: [booking("a", "b")] });
    const stuck = runOf(async () => {
      await new Promise(() => {});
    });
    expect(await replay([stuck], entries)).toMatchObject({ kind: "diverged", failure: { code: "code_stalled" } });
  });
});
