/** A chat turn over several segments: what was paid for is kept, and somebody always goes on. */
import { describe, expect, it } from "vitest";
import { startTurn, takeUpTurn } from "../../src/agent/chat.ts";
import { continueTurn } from "../../src/agent/continue-turn.ts";
import { sweepTurns } from "../../src/agent/sweep-turns.ts";
import { currentTurn } from "../../src/agent/turn-state.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { writerLimits } from "../../src/event/log-writer.ts";
import { textOf } from "../../src/memory/message.ts";
import { settle } from "../fakes/clock.ts";
import { callTool, end, text } from "../fakes/scripted-model.ts";
import { die, finish, finishTaken, ref, setUp } from "../support/chat-rig.ts";

const withoutReader = { write: async () => undefined };
const leaseMs = writerLimits.leaseMs;

describe("a turn that is cut off between two tools", () => {
  /** Both tools were asked for; the first has answered when the producer dies. */
  async function dieInTools() {
    const never = new Promise<never>(() => undefined);
    const t = setUp(
      [text("Let me see."), callTool("t1", "calculator", {}), callTool("t2", "slow", {}), end],
      [text("whole"), end],
    );
    const { run } = t.parts.tools;
    const tools = {
      ...t.parts.tools,
      run: (...call: Parameters<typeof run>) => (call[0].name === "slow" ? never : run(...call)),
    };
    const started = await startTurn({ ...t.parts, tools }, t.request("m1"), withoutReader);
    if (started.kind === "opened") started.done.catch(() => undefined);
    await settle();
    await t.clock.advance(1_000);
    await t.clock.advance(1_000);
    return t;
  }

  it("asks the model for nothing again, and runs only the tool that had not answered", async () => {
    const t = await dieInTools();
    const records = await t.log.read(ref);
    await finishTaken(await takeUpTurn(t.parts, ref, currentTurn(records)!, records, t.memory(), t.sink));
    expect(t.model.requests).toHaveLength(2);
    expect(t.runs).toEqual(["t1", "t2"]);
    expect(t.model.requests[1]?.messages.slice(-3)).toMatchObject([
      { role: "assistant", content: "Let me see.", toolCalls: [{ id: "t1" }, { id: "t2" }] },
      { role: "tool", toolCallId: "t1" },
      { role: "tool", toolCallId: "t2" },
    ]);
    expect(t.stored().map(textOf)).toEqual(["why?", "Let me see.\nwhole"]);
  });

  it("withdraws nothing that the reader saw, and shows each call once", async () => {
    const t = await dieInTools();
    const records = await t.log.read(ref);
    await finishTaken(await takeUpTurn(t.parts, ref, currentTurn(records)!, records, t.memory(), t.sink));
    const types = t.chunks().map((chunk) => chunk.type);
    expect(types).not.toContain("reset-step");
    expect(types.filter((type) => type === "tool-input-available")).toHaveLength(2);
    expect(types.filter((type) => type === "tool-output-available")).toHaveLength(2);
    expect(types.at(-1)).toBe("finish");
  });
});

describe("a turn whose budget is spent", () => {
  const small = { ...budgetProfiles.free, steps: 1 };

  it("is given back after what was begun, and sent for once", async () => {
    const t = setUp([callTool("t1", "calculator", {}), end], [text("whole"), end]);
    const started = await startTurn({ ...t.parts, profile: small }, t.request("m1"), t.sink);
    if (started.kind !== "opened") throw new Error(`expected an opened turn, got ${started.kind}`);
    await expect(started.done).rejects.toMatchObject({ code: "turn_running" });
    expect(t.continued).toEqual([ref]);
    const turn = currentTurn(await t.log.read(ref));
    expect(turn?.isYielded).toBe(true);
    expect(turn?.ending).toBeUndefined();
  });

  it("goes on from segment to segment at once, and every step is paid for once", async () => {
    const t = setUp(
      [callTool("t1", "calculator", {}), end],
      [callTool("t2", "calculator", {}), end],
      [text("whole"), end],
    );
    const parts = { ...t.parts, profile: small };
    const started = await startTurn(parts, t.request("m1"), withoutReader);
    if (started.kind === "opened") await started.done.catch(() => undefined);
    for (let segments = 1; t.continued.length > 0; segments += 1) {
      expect(segments).toBeLessThan(10);
      t.continued.length = 0;
      expect(await continueTurn(parts, ref, { memory: async () => t.memory(), leaseMs })).toEqual({ kind: "ran" });
    }
    expect(t.model.requests).toHaveLength(3);
    expect(t.runs).toEqual(["t1", "t2"]);
    expect(t.stored().map(textOf)).toEqual(["why?", "whole"]);
  });

  it("is not in the way of a person: a second message is refused while it is on its way", async () => {
    const t = setUp([callTool("t1", "calculator", {}), end], [text("whole"), end]);
    const started = await startTurn({ ...t.parts, profile: small }, t.request("m1"), withoutReader);
    if (started.kind === "opened") await started.done.catch(() => undefined);
    await expect(startTurn(t.parts, t.request("m2"), t.sink)).rejects.toMatchObject({ code: "turn_running" });
  });
});

describe("the queue's word to go on with a turn", () => {
  it("does nothing where the turn is over, and nothing to a producer that lives", async () => {
    const held = Promise.withResolvers<void>();
    const t = setUp([text("a"), held.promise, end]);
    const memory = async () => t.memory();
    expect(await continueTurn(t.parts, ref, { memory, leaseMs })).toEqual({ kind: "stale" });
    const started = await startTurn(t.parts, t.request("m1"), t.sink);
    expect(await continueTurn(t.parts, ref, { memory, leaseMs })).toEqual({ kind: "held", retryAfterMs: leaseMs });
    held.resolve();
    await finish(started);
    expect(await continueTurn(t.parts, ref, { memory, leaseMs })).toEqual({ kind: "stale" });
    expect(t.model.requests).toHaveLength(1);
  });
});

describe("the sweep over turns", () => {
  it("sends for a turn whose producer died while nobody came", async () => {
    const t = await die([text("whole"), end]);
    const parts = { ...t.parts, dueTurns: t.log };
    await t.clock.advance(60_000);
    expect(await sweepTurns(parts)).toEqual({ seen: 1, triggered: 1 });
    expect(t.continued).toEqual([ref]);
    expect(await continueTurn(t.parts, ref, { memory: async () => t.memory(), leaseMs })).toEqual({ kind: "ran" });
    expect(t.stored().map(textOf)).toEqual(["why?", "whole"]);
    await t.clock.advance(120_000);
    expect(await sweepTurns(parts)).toEqual({ seen: 1, triggered: 0 });
    expect(await t.log.overdue(Infinity, 10)).toEqual([]);
  });

  it("leaves a producer alone that gives signs of life", async () => {
    const held = Promise.withResolvers<void>();
    const t = setUp([text("a"), held.promise, end]);
    const started = await startTurn(t.parts, t.request("m1"), t.sink);
    for (let second = 0; second < 70; second += 1) await t.clock.advance(1_000);
    expect(await sweepTurns({ ...t.parts, dueTurns: t.log })).toEqual({ seen: 1, triggered: 0 });
    expect(await t.log.overdue(Infinity, 10)).toEqual([ref]);
    held.resolve();
    await finish(started);
  });
});
