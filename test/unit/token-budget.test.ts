/** What turns and runs book, and where they stop. */
import { describe, expect, it } from "vitest";
import { askCounted } from "../../src/agent/ask-counted.ts";
import { startTurn, stopTurn, takeUpTurn } from "../../src/agent/chat.ts";
import { createTokenCount } from "../../src/agent/turn-tokens.ts";
import { currentTurn } from "../../src/agent/turn-state.ts";
import { allowanceOf, budgetSpent } from "../../src/limit/token-budget.ts";
import { manualClock, settle, silentLog } from "../fakes/clock.ts";
import { memoryTokenBudget } from "../fakes/memory-token-budget.ts";
import { callTool, scriptedModel, text } from "../fakes/scripted-model.ts";
import { createAgentRig, planText, type Said } from "../support/agent-rig.ts";
import { die, finish, finishTaken, ref, setUp } from "../support/chat-rig.ts";

const used = (inputTokens: number, outputTokens: number) =>
  ({ kind: "end", finishReason: "stop", usage: { inputTokens, outputTokens } }) as const;

describe("an allowance", () => {
  const of = (spent: number, keyTokensPerDay?: number) =>
    allowanceOf({ spent, tokensPerDay: 100, keyTokensPerDay, nowMs: 0 });

  it("is what the narrower budget has left", () => {
    expect(of(99).left).toBe(1);
    expect(of(100).left).toBe(0);
    expect(of(101).left).toBe(-1);
    expect(of(40, 50)).toMatchObject({ tokensPerDay: 50, left: 10 });
    expect(of(40, 500)).toMatchObject({ tokensPerDay: 100, left: 60 });
  });

  it("that is used up says until when, also in a day's last millisecond", () => {
    const { message, retryAfterMs } = budgetSpent({ tokensPerDay: 100 }, Date.parse("2026-11-25T23:59:59.999Z"));
    expect(message).toContain("2026-11-26T00:00:00.000Z");
    expect(retryAfterMs).toBe(1);
  });
});

describe("the count of a turn", () => {
  const started = { type: "step-started", step: 1 } as const;
  const said = { type: "message-delta", text: "abcdefgh" } as const;
  const completed = { type: "step-completed", step: 1, toolCalls: [], finishReason: "stop" } as const;

  it("takes the provider's word where there is one, else an estimate of question and answer", () => {
    const count = createTokenCount("four");
    for (const event of [started, said, { ...completed, usage: { inputTokens: 30, outputTokens: 5 } }])
      count.add(event);
    expect(count.tokens()).toBe(35);
    for (const event of [started, said, completed]) count.add(event);
    expect(count.tokens()).toBe(35 + 3);
    count.add(said);
    expect(count.tokens()).toBe(35 + 3);
  });

  it("holds calls that were cut off after their first words, and none that said nothing", () => {
    const count = createTokenCount("four");
    count.add(started);
    expect(count.tokens()).toBe(0);
    count.add(said);
    expect(count.tokens()).toBe(3);
    count.add(started);
    count.add(said);
    expect(count.tokens()).toBe(6);
  });
});

describe("a turn where tokens are counted", () => {
  function counted(...scripts: Parameters<typeof setUp>) {
    const t = setUp(...scripts);
    const tokenBudget = memoryTokenBudget(t.clock, 100);
    return { ...t, tokenBudget, parts: { ...t.parts, tokenBudget } };
  }
  const allowance = (left: number) => ({ tokensPerDay: 100, left, begunDay: undefined });

  it("books all its calls with its end, and so once", async () => {
    const t = counted([callTool("t1", "calculator", {}), used(10, 2)], [text("done"), used(20, 3)]);
    await finish(await startTurn(t.parts, { ...t.request("m1"), allowance: allowance(100) }, t.sink));
    expect(t.log.closings.map(({ tokens }) => tokens?.spent)).toEqual([35]);
    expect(await t.tokenBudget.spent(ref.userId)).toBe(0);
  });

  it.each([
    [13, 2],
    [12, 1],
  ])("with %d tokens left makes %d calls of the two that it wants, for 12 each", async (left, calls) => {
    const t = counted([callTool("t1", "calculator", {}), used(10, 2)], [text("done"), used(10, 2)]);
    await finish(await startTurn(t.parts, { ...t.request("m1"), allowance: allowance(left) }, t.sink));
    expect(t.model.requests).toHaveLength(calls);
    expect(t.runs).toHaveLength(calls - 1);
    expect(t.frames.join("").includes("the model tokens of this day are used up")).toBe(calls === 1);
    expect(currentTurn(await t.log.read(ref))?.ending).toMatchObject({ type: "workflow-completed" });
  });

  it("that is stopped books what it has used so far", async () => {
    const never = new Promise<void>(() => undefined);
    const t = counted([callTool("t1", "calculator", {}), used(10, 2)], [text("abcdefgh"), never]);
    const started = await startTurn(t.parts, t.request("m1"), t.sink);
    if (started.kind === "opened") started.done.catch(() => undefined);
    await settle();
    await t.clock.advance(1_000);
    expect(await stopTurn(t.parts, ref)).toBe(true);
    expect(await t.tokenBudget.spent(ref.userId)).toBe(12 + 2 + 1);
    expect(await stopTurn(t.parts, ref)).toBe(false);
    expect(await t.tokenBudget.spent(ref.userId)).toBe(15);
  });

  it("that is taken up after a crash books both halves, once", async () => {
    const t = await die([text("whole"), used(20, 3)]);
    const parts = { ...t.parts, tokenBudget: memoryTokenBudget(t.clock, 100) };
    const records = await t.log.read(ref);
    const turn = currentTurn(records)!;
    await finishTaken(await takeUpTurn(parts, ref, turn, records, t.memory(), t.sink));
    expect(t.log.closings.map(({ tokens }) => tokens?.spent)).toEqual([turn.tokens + 23]);
    expect(turn.tokens).toBeGreaterThan(0);
  });

  it("without a budget books nothing", async () => {
    const t = setUp([text("done"), used(20, 3)]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.log.closings[0]).not.toHaveProperty("tokens");
  });
});

describe("a model call of a run", () => {
  const request = { messages: [], tools: [], signal: AbortSignal.any([]) };

  it("is made while one token is left, booked, and refused when none is, until midnight", async () => {
    const clock = manualClock();
    const budget = memoryTokenBudget(clock, 24);
    const model = scriptedModel([text("a"), used(20, 3)], [text("b"), used(10, 2)], [text("c"), used(1, 1)]);
    const ask = () => askCounted({ model, budget, clock, log: silentLog }, request, "usr_1");
    expect((await ask()).tokensLeft).toBe(1);
    expect((await ask()).tokensLeft).toBe(-11);
    await expect(ask()).rejects.toMatchObject({ code: "rate_limited" });
    expect(model.requests).toHaveLength(2);
    await clock.advance(24 * 60 * 60 * 1000);
    expect((await ask()).tokensLeft).toBe(22);
  });

  it("is kept when it cannot be booked: to ask again would cost it again", async () => {
    const clock = manualClock();
    const book = () => Promise.reject(new Error("down"));
    const budget = { ...memoryTokenBudget(clock, 24), book };
    const model = scriptedModel([text("a"), used(20, 3)]);
    const answer = await askCounted({ model, budget, clock, log: silentLog }, request, "usr_1");
    expect(answer.text).toBe("a");
    expect(answer).not.toHaveProperty("tokensLeft");
  });
});

describe("a run of an agent at the day's limit", () => {
  const call = { id: "c1", name: "look", argumentsJson: "{}" };
  const look = { look: {} };
  const left = (tokensLeft: number, said: object = {}): Said => ({ text: "So far.", ...said, tokensLeft }) as Said;

  it("in a loop ends with its last words, and says why", async () => {
    const rig = createAgentRig([left(5, { toolCalls: [call] }), left(0, { toolCalls: [call] })], look);
    const output = rig.output(await rig.run({ shape: "loop" }));
    expect(rig.asked).toHaveLength(2);
    expect(rig.did).toHaveLength(1);
    expect(output.limit).toBe("day-tokens");
    expect(output.summary).toMatch(/^So far\.\n\nThe run stopped at its limit in model tokens of the day/);
  });

  it("in a loop that is refused its next call ends with what it has", async () => {
    const rig = createAgentRig([left(5, { toolCalls: [call] }), budgetSpent({ tokensPerDay: 9 }, 0)], look);
    const output = rig.output(await rig.run({ shape: "loop" }));
    expect(output).toMatchObject({ limit: "day-tokens", results: [{ status: "done" }] });
    expect(output.summary).toContain("So far.");
  });

  it("after its plan makes no step, and asks for no reflection", async () => {
    const rig = createAgentRig([left(0, { text: planText({ id: "a", tool: "look" }) })], look);
    const output = rig.output(await rig.run());
    expect(rig.asked).toHaveLength(1);
    expect(output).toMatchObject({ limit: "day-tokens", results: [{ status: "skipped" }] });
  });

  it("before its reflection tells what was done by itself, and before its plan that nothing was", async () => {
    const spent = budgetSpent({ tokensPerDay: 9 }, 0);
    const late = createAgentRig([left(5, { text: planText({ id: "a", tool: "look" }) }), spent], look);
    const done = late.output(await late.run());
    expect(done).toMatchObject({ limit: "day-tokens", results: [{ status: "done" }] });
    expect(done.summary).toContain("1 of 1 steps");
    const early = createAgentRig([spent], look);
    const nothing = early.output(await early.run());
    expect(nothing).toMatchObject({ limit: "day-tokens", results: [] });
    expect(nothing.summary).toContain("a new day begins at midnight UTC");
  });
});
