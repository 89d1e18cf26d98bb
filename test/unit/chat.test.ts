import { describe, expect, it } from "vitest";
import { fenceOutput } from "../../src/agent/fence.ts";
import { startTurn, stopTurn, takeUpTurn } from "../../src/agent/chat.ts";
import { currentTurn } from "../../src/agent/turn-state.ts";
import { AppError } from "../../src/core/errors.ts";
import { writerLimits } from "../../src/event/log-writer.ts";
import { textOf } from "../../src/memory/message.ts";
import { settle } from "../fakes/clock.ts";
import { callTool, end, text } from "../fakes/scripted-model.ts";
import { die, finish, finishTaken, ref, setUp } from "../support/chat-rig.ts";

describe("a chat turn", () => {
  it("streams the answer, and leaves question and answer in memory in order", async () => {
    const t = setUp([text("Be"), text("cause."), end]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.chunks().map((chunk) => chunk.type)).toEqual([
      "start",
      "start-step",
      "text-start",
      "text-delta",
      "text-delta",
      "text-end",
      "finish-step",
      "finish",
    ]);
    expect(t.frames.at(-1)).toMatch(/data: \[DONE\]\n\n$/);
    expect(t.stored().map((message) => [message.role, textOf(message)])).toEqual([
      ["user", "why?"],
      ["assistant", "Because."],
    ]);
  });

  it("without tools costs one opening and one flush", async () => {
    const t = setUp([text("Because."), end]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.log.calls).toEqual(["open", "close"]);
  });

  it("calls tools, shows them to the reader and their results to the model", async () => {
    const t = setUp(
      [callTool("t1", "calculator", { expression: "6*7" }), callTool("t2", "broken", {}), end],
      [text("42"), end],
    );
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.chunks().map((chunk) => chunk.type)).toEqual([
      "start",
      "start-step",
      "tool-input-available",
      "tool-input-available",
      "tool-output-available",
      "tool-output-error",
      "finish-step",
      "start-step",
      "text-start",
      "text-delta",
      "text-end",
      "finish-step",
      "finish",
    ]);
    expect(t.model.requests[1]?.messages.slice(-3)).toMatchObject([
      { role: "assistant", toolCalls: [{ id: "t1" }, { id: "t2" }] },
      { role: "tool", toolCallId: "t1", content: fenceOutput({ value: 42 }) },
      { role: "tool", toolCallId: "t2", content: fenceOutput({ error: "it broke" }) },
    ]);
  });

  it("that asks for tools without end stops at the limit with words", async () => {
    const again = [callTool("t", "calculator", {}), end];
    const t = setUp(...Array.from({ length: 20 }, () => again));
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.model.requests).toHaveLength(8);
    expect(textOf(t.stored()[1]!)).toContain("used up its tool steps");
  });

  it("sees the earlier messages in order", async () => {
    const t = setUp([text("one"), end], [text("two"), end]);
    await finish(await startTurn(t.parts, t.request("m1", "first"), t.sink));
    await finish(await startTurn(t.parts, t.request("m2", "second"), t.sink));
    expect(t.model.requests[1]?.messages.map((message) => message.content)).toEqual([
      "be brief",
      "first",
      "one",
      "second",
    ]);
  });

  it.each([
    new AppError("model_unavailable", "down"),
    new AppError("model_rate_limited", "busy"),
    new AppError("model_garbled", "what"),
    new Error("surprise with a secret"),
  ])("whose model fails (%s) ends in words, keeps the text so far and stays usable", async (failure) => {
    const t = setUp([text("half an ans"), failure], [text("whole"), end]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.chunks().at(-1)?.type).toBe("error");
    expect(t.frames.join("")).not.toContain("secret");
    expect(t.stored().map(textOf)).toEqual(["why?", "half an ans"]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(t.stored().map(textOf)).toEqual(["why?", "whole"]);
  });

  it("whose reader has left goes on to its end", async () => {
    const t = setUp([text("a"), text("b"), end]);
    await finish(await startTurn(t.parts, t.request("m1"), { write: async () => undefined }));
    expect(textOf(t.stored()[1]!)).toBe("ab");
  });
});

describe("a message id", () => {
  it("that is sent again while it is answered leads to the running turn, and the model is not asked twice for long", async () => {
    const held = Promise.withResolvers<void>();
    const t = setUp([text("a"), held.promise, text("b"), end], [held.promise, end]);
    const first = await startTurn(t.parts, t.request("m1"), t.sink);
    const second = await startTurn(t.parts, t.request("m1"), t.sink);
    expect(second.kind).toBe("running");
    expect(t.model.requests[1]?.signal.aborted).toBe(true);
    held.resolve();
    await finish(first);
    expect(t.stored().map(textOf)).toEqual(["why?", "ab"]);
  });

  it("that was answered gets the same answer again, without the model", async () => {
    const t = setUp([text("Because."), end]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    const again = await startTurn(t.parts, t.request("m1"), t.sink);
    expect(again).toMatchObject({ kind: "answered", answer: { role: "assistant" } });
    expect(t.model.requests).toHaveLength(1);
  });

  it("is answered anew when the client asks for that, and the new answer replaces the old", async () => {
    const t = setUp([text("one"), end], [text("two"), end]);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    await finish(await startTurn(t.parts, t.request("m1", "why?", true), t.sink));
    expect(t.stored().map(textOf)).toEqual(["why?", "two"]);
  });
});

describe("a second message while the first is answered", () => {
  it("is refused, and the first is not disturbed", async () => {
    const held = Promise.withResolvers<void>();
    const t = setUp([held.promise, text("a"), end], [text("b"), end]);
    const first = await startTurn(t.parts, t.request("m1"), t.sink);
    await expect(startTurn(t.parts, t.request("m2"), t.sink)).rejects.toMatchObject({ code: "turn_running" });
    held.resolve();
    await finish(first);
    expect(t.stored().map(textOf)).toEqual(["why?", "a"]);
  });
});

describe("a stop", () => {
  it("ends the turn, keeps its text and leaves the conversation usable", async () => {
    const held = Promise.withResolvers<void>();
    const t = setUp([text("half"), held.promise, end], [text("next"), end]);
    const first = await startTurn(t.parts, t.request("m1"), t.sink);
    await settle();
    await t.clock.advance(1_000);
    expect(await stopTurn(t.parts, ref)).toBe(true);
    await t.clock.advance(writerLimits.heartbeatMs);
    await finish(first);
    expect(t.chunks().at(-1)?.type).toBe("abort");
    expect(t.stored().map(textOf)).toEqual(["why?", "half"]);
    await finish(await startTurn(t.parts, t.request("m2", "and?"), t.sink));
    expect(t.stored().map(textOf)).toEqual(["why?", "half", "and?", "next"]);
  });

  it("of a conversation in which nothing runs says so", async () => {
    const t = setUp([text("a"), end]);
    expect(await stopTurn(t.parts, ref)).toBe(false);
    await finish(await startTurn(t.parts, t.request("m1"), t.sink));
    expect(await stopTurn(t.parts, ref)).toBe(false);
  });
});

describe("a turn whose producer died", () => {
  it("is taken up by the next reader: no tool runs twice, and the answer is whole", async () => {
    const t = await die([text("whole"), end]);
    const records = await t.log.read(ref);
    const turn = currentTurn(records)!;
    expect(turn.ending).toBeUndefined();
    await finishTaken(await takeUpTurn(t.parts, ref, turn, records, t.memory(), t.sink));
    expect(t.runs).toEqual(["t1"]);
    expect(t.stored().map(textOf)).toEqual(["why?", "whole"]);
    expect(t.chunks().map((chunk) => chunk.type)).toContain("reset-step");
    expect(t.chunks().at(-1)?.type).toBe("finish");
  });

  it("that comes back to life changes nothing any more", async () => {
    const t = await die([text("whole"), end]);
    const records = await t.log.read(ref);
    await finishTaken(await takeUpTurn(t.parts, ref, currentTurn(records)!, records, t.memory(), t.sink));
    const before = [await t.log.read(ref), t.stored()];
    t.isCutOff.value = false;
    await t.clock.advance(writerLimits.heartbeatMs);
    await t.clock.advance(writerLimits.heartbeatMs);
    expect(t.model.requests[1]?.signal.aborted).toBe(true);
    expect([await t.log.read(ref), t.stored()]).toEqual(before);
  });

  it("is taken up by one of two readers that come at once", async () => {
    const t = await die([text("whole"), end]);
    const records = await t.log.read(ref);
    const turn = currentTurn(records)!;
    const taken = await Promise.all([0, 1].map(() => takeUpTurn(t.parts, ref, turn, records, t.memory(), t.sink)));
    expect(taken.map((answer) => answer.kind).toSorted()).toEqual(["moved", "taken"]);
    await finishTaken(taken.find((answer) => answer.kind === "taken")!);
    expect(t.stored().map(textOf)).toEqual(["why?", "whole"]);
  });

  it("is ended in words by the next message, which is then answered", async () => {
    const t = await die([text("late"), end], [text("next"), end]);
    expect(await startTurn(t.parts, t.request("m2", "and?"), t.sink)).toEqual({ kind: "cleared" });
    await finish(await startTurn(t.parts, t.request("m2", "and?"), t.sink));
    expect(t.stored().map(textOf)).toEqual(["why?", "half", "and?", "next"]);
  });
});
