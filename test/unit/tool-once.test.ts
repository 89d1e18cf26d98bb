/** A tool that acts, called twice: L1 to L4 of the ledger. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { idempotencyKeyOf } from "../../src/tool/idempotency-key.ts";
import type { ToolLedger } from "../../src/tool/tool-ledger.ts";
import type { ToolContext } from "../../src/tool/tool.ts";
import { memoryToolLedger } from "../fakes/memory-tool-ledger.ts";
import { createToolRig, probe } from "../support/tool-rig.ts";

const timeoutMs = 5_000;
const leaseMs = timeoutMs + limits.toolLeaseSlackMs;
const down = new AppError("partner_unavailable", "down");

function rig(execute: (context: ToolContext) => unknown) {
  const keys: string[] = [];
  const act = (context: ToolContext): unknown => {
    keys.push(context.idempotencyKey);
    return execute(context);
  };
  return { keys, ...createToolRig([probe(act, { effect: "write", timeoutMs })], undefined) };
}

describe("a call that is repeated", () => {
  it("answers with its first result, and acts once", async () => {
    const { call, keys } = rig(() => keys.length);
    const first = await call("probe", { count: 1 }, { callKey: "run_1/pay" });
    expect(await call("probe", { count: 1 }, { callKey: "run_1/pay" })).toEqual(first);
    expect(first).toEqual({ kind: "ok", output: 1 });
    expect(keys).toHaveLength(1);
  });

  it("answers with its first refusal, too", async () => {
    const { call, keys } = rig(() => {
      throw new AppError("internal", "a defect");
    });
    const first = await call("probe", {}, { callKey: "run_1/pay" });
    expect(first).toMatchObject({ code: "broken" });
    expect(await call("probe", {}, { callKey: "run_1/pay" })).toEqual(first);
    expect(keys).toHaveLength(1);
  });

  it.each([
    ["another step", { callKey: "run_1/pay#2" }, { count: 1 }],
    ["another run", { callKey: "run_2/pay" }, { count: 1 }],
    ["another input", { callKey: "run_1/pay" }, { count: 2 }],
    ["another user", { callKey: "run_1/pay", userId: "usr_2" }, { count: 1 }],
  ])("by %s is another call", async (_case, over, input) => {
    const { call, keys } = rig(() => 1);
    await call("probe", { count: 1 }, { callKey: "run_1/pay" });
    await call("probe", input, over);
    expect(keys).toHaveLength(2);
  });

  it("has the same key whatever the order of the fields, and reaches the tool with it", async () => {
    const key = await idempotencyKeyOf("run_1/pay", "probe", { b: [1, { d: 1, c: 2 }], a: 1 });
    expect(await idempotencyKeyOf("run_1/pay", "probe", { a: 1, b: [1, { c: 2, d: 1 }] })).toBe(key);
    expect(await idempotencyKeyOf("run_1/pay", "probe", { a: 1, b: [{ c: 2, d: 1 }, 1] })).not.toBe(key);
    const { call, keys } = rig(() => 1);
    await call("probe", { count: 1 }, { callKey: "run_1/pay" });
    expect(keys).toEqual([await idempotencyKeyOf("run_1/pay", "probe", { count: 1 })]);
  });

  it("after a failure in passing acts again, with the same key", async () => {
    const { call, keys } = rig(() => {
      if (keys.length === 1) throw down;
      return "done";
    });
    expect(await call("probe", {}, { callKey: "k" })).toMatchObject({ code: "unavailable" });
    expect(await call("probe", {}, { callKey: "k" })).toEqual({ kind: "ok", output: "done" });
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(2);
  });

  it("by a tool that only reads is made each time", async () => {
    let runs = 0;
    const { call } = createToolRig([probe(() => (runs += 1))], undefined);
    await call("probe", {}, { callKey: "k" });
    await call("probe", {}, { callKey: "k" });
    expect(runs).toBe(2);
  });
});

describe("two calls at the same moment", () => {
  it("act once: the second waits and gets the first one's answer", async () => {
    const working = Promise.withResolvers<string>();
    const { call, clock, keys, paused } = rig(() => working.promise);
    const calls = [call("probe", {}, { callKey: "k" }), call("probe", {}, { callKey: "k" })];
    await paused(limits.toolLedgerPollMs);
    working.resolve("done");
    await Promise.race(calls);
    await clock.advance(limits.toolLedgerPollMs);
    expect(await Promise.all(calls)).toEqual([
      { kind: "ok", output: "done" },
      { kind: "ok", output: "done" },
    ]);
    expect(keys).toHaveLength(1);
  });

  it("of which the first died act again once its lease is over, with the same key", async () => {
    const { call, clock, keys, context, paused } = rig(() => "done");
    const key = await idempotencyKeyOf("k", "probe", {});
    await context().ledger.claim({ userId: "usr_1", key }, "a dead call", leaseMs);
    const second = call("probe", {}, { callKey: "k" });
    for (let pauseMs = limits.toolLedgerPollMs, leftMs = leaseMs; leftMs > 0; pauseMs *= 2) {
      expect(keys).toEqual([]);
      const stepMs = Math.min(pauseMs, leftMs);
      await paused(stepMs);
      await clock.advance(stepMs);
      leftMs -= stepMs;
    }
    expect(await second).toEqual({ kind: "ok", output: "done" });
    expect(keys).toEqual([key]);
  });

  it("do not wait longer than one may take: then the second is told to try again", async () => {
    const { call, clock, context, paused } = rig(() => "done");
    const key = await idempotencyKeyOf("k", "probe", {});
    await context().ledger.claim({ userId: "usr_1", key }, "a long one", leaseMs * 10);
    const second = call("probe", {}, { callKey: "k" });
    for (let pauseMs = limits.toolLedgerPollMs, leftMs = leaseMs; leftMs > 0; pauseMs *= 2) {
      const stepMs = Math.min(pauseMs, leftMs);
      await paused(stepMs);
      await clock.advance(stepMs);
      leftMs -= stepMs;
    }
    expect(await second).toMatchObject({ code: "in_progress", retryAfterMs: leaseMs * 9 });
  });
});

describe("a call whose time was up", () => {
  it("keeps its key until its lease is over, for it may still be acting", async () => {
    const { call, clock, context, paused } = rig(() => new Promise(() => {}));
    const first = call("probe", {}, { callKey: "k" });
    await paused(timeoutMs);
    await clock.advance(timeoutMs);
    expect(await first).toMatchObject({ code: "timed_out" });
    const ref = { userId: "usr_1", key: await idempotencyKeyOf("k", "probe", {}) };
    expect(await context().ledger.claim(ref, "next", 1)).toEqual({ kind: "held", forMs: limits.toolLeaseSlackMs });
    await clock.advance(limits.toolLeaseSlackMs);
    expect(await context().ledger.claim(ref, "next", 1)).toEqual({ kind: "claimed" });
  });
});

describe("a ledger that does not answer", () => {
  const unavailable = () => Promise.reject(new AppError("redis_unavailable", "inner detail"));

  function broken(over: Partial<ToolLedger>) {
    const { call, keys, clock } = rig(() => keys.length);
    const ledger = { ...memoryToolLedger(clock), ...over };
    return { keys, call: (callKey: string) => call("probe", {}, { callKey, ledger }) };
  }

  it("at the claim stops the call before it acts", async () => {
    const { call, keys } = broken({ claim: unavailable });
    const result = await call("k");
    expect(result).toMatchObject({ kind: "failed", code: "unavailable" });
    expect(JSON.stringify(result)).not.toContain("inner detail");
    expect(keys).toEqual([]);
  });

  it("at the entry leaves the answer as it is: the service behind the tool has the same key at a repetition", async () => {
    const { call, keys } = broken({ settle: unavailable });
    expect(await call("k")).toEqual({ kind: "ok", output: 1 });
    expect(keys).toHaveLength(1);
  });

  it("answers with the first result that it has, when another call was faster at the entry", async () => {
    const { call } = broken({ settle: () => Promise.resolve({ kind: "ok", output: "earlier" }) });
    expect(await call("k")).toEqual({ kind: "ok", output: "earlier" });
  });
});
