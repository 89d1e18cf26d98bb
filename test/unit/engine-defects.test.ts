/** A mistake in a definition parks the run in words for its owner, and whatever is thrown unexpectedly is in the log, with where it was thrown. */
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import type { LogFields } from "../../src/core/ports.ts";
import { memorySlot } from "../../src/engine/working-memory.ts";
import { silentLog } from "../fakes/clock.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

type Code = (ctx: PlayContext) => Promise<unknown>;

async function parked(code: Code) {
  const logged: { readonly message: string; readonly fields: LogFields | undefined }[] = [];
  const log = { ...silentLog, error: (message: string, fields?: LogFields) => void logged.push({ message, fields }) };
  const said: LogFields[] = [];
  const definition = runOf(code);
  const rig = createEngineRig([definition]);
  const ref = await rig.start(definition, {}, { log: { ...log, with: (fields) => (said.push(fields), log) } });
  const { status, parked: stop } = rig.state(ref);
  expect(status).toBe("parked");
  return { ref, failure: stop!.failure, logged, said };
}

const nobody = runOf(async () => 1, "nobody");
const names = memorySlot("names", z.array(z.string()));

describe("a mistake in a definition", () => {
  it.each<[string, Code, string]>([
    ["an event's name", async (ctx) => ctx.emit("Step Bad", {}), '"Step Bad" is no name of an event'],
    ["a duration", (ctx) => ctx.sleep("nap", "5 minutes" as never), '"5 minutes" is no duration'],
    ["a time", (ctx) => ctx.sleepUntil("nap", "soon" as never), '"nap" sleeps until no time'],
    ["a step's name", (ctx) => ctx.step("x".repeat(201), () => 1), "is no name of a step: it has 1 to 200 characters"],
    ["a signal's name", (ctx) => ctx.waitForSignal("$word"), '"$word" is no name of a signal'],
    ["a child", (ctx) => ctx.child("c", nobody, {}), '"nobody" of version 1 is not in the registry'],
    [
      "what a loop can undo",
      (ctx) =>
        ctx.loop("l", 0, async (turn) => (await turn.step("a", () => 1, { compensate: () => 1 }), { kind: "done" })),
      'step "l[0]/a" stands in a loop',
    ],
    ["a loop's turn", (ctx) => ctx.loop("l", 0, async () => 1 as never), 'a turn of loop "l" answers with neither'],
    ["memory", async (ctx) => ctx.memory.set(names, [1] as never), '"names" does not fit its slot'],
    [
      "a step's timing",
      (ctx) => ctx.step("a", () => Promise.reject(new Error("no")), { backoff: "soon" as never }),
      '"soon" is no duration',
    ],
  ])("about %s is named to the owner of the run", async (_what, code, words) => {
    const { failure } = await parked(code);
    expect(failure).toMatchObject({ name: "BadDefinition", code: "bad_definition" });
    expect(failure.message).toContain(words);
  });
});

describe("a step inside of the body of another", () => {
  it.each<[string, Code, string]>([
    ["a step", (ctx) => ctx.step("outer", () => ctx.step("inner", () => 1)), 'step "inner"'],
    ["a sleep", (ctx) => ctx.step("outer", async () => ctx.sleep("inner", 1)), 'step "inner"'],
    ["an event", (ctx) => ctx.step("outer", () => ctx.emit("inner", 1)), 'event "inner"'],
  ])("fails that at once, also where it is %s", async (_what, code, what) => {
    const { state } = await playRun({ definitions: [runOf(code)] });
    const message = `${what} stands inside of the body of step "outer": ask for it beside the step`;
    expect(state).toMatchObject({ status: "failed", failure: { code: "bad_definition", message } });
    expect(state.settled).toHaveLength(1);
  });

  it("is named as a cause where it is noticed only when the run is replayed", async () => {
    const runs = runOf(async (ctx) => {
      await ctx.step("outer", async () => {
        await Promise.resolve();
        await ctx.step("inner", () => 1);
      });
      await ctx.sleep("nap", "1h");
    });
    const { state } = await playRun({ definitions: [runs], isOver: ({ status }) => status === "parked" });
    expect(state.parked?.failure.code).toBe("run_diverged");
    expect(state.parked?.failure.message).toContain("inside of a step's body");
  });
});

describe("what the code returns", () => {
  it.each<[string, unknown, string]>([
    ["is larger than a journal takes", "x".repeat(256 * 1024), "result_too_large"],
    ["is no JSON", 1n, "result_not_serialisable"],
  ])("and %s parks the run, and says that resuming alone does not help", async (_what, output, code) => {
    const { failure } = await parked(async () => output);
    expect(failure).toMatchObject({ code });
    expect(failure.message).toContain("Keep it elsewhere, let the code return where, deploy that, and resume");
  });
});

describe("the log", () => {
  it.each<[string, Code, string]>([
    ["the code throws", () => Promise.reject(new TypeError("oops")), "engine-defects.test.ts"],
    ["a child cannot be started", (ctx) => ctx.child("c", nobody, {}), "startChild"],
  ])("says where it was thrown when %s, of which run, and of which definition", async (_how, code, where) => {
    const { ref, failure, logged, said } = await parked(code);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ message: "a run is parked", fields: { definition: "under-test@1", failure } });
    const { error } = logged[0]!.fields!;
    expect((error as Error).message).toBe(failure.message);
    expect((error as Error).stack).toContain(where);
    expect(said).toEqual([{ runId: ref.runId, segment: expect.any(String) }]);
  });

  it("does not repeat what was thrown and is no error, for it may hold anything", async () => {
    const { logged, failure } = await parked(() => Promise.reject({ card: "4711" }));
    expect(failure.message).toBe("a object was thrown");
    expect(JSON.stringify(logged)).not.toContain("4711");
  });
});
