/** Rate, concurrency and breaker around a call; the guard's own rules are in test/contract/tool-guard.test.ts. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { NonRetryableError } from "../../src/engine/failures.ts";
import type { ToolGuard } from "../../src/tool/tool-guard.ts";
import { createToolRig, probe } from "../support/tool-rig.ts";

const down = () => Promise.reject(new AppError("partner_unavailable", "down"));
const breaker = { name: "partner", failures: 3, openMs: 30_000 };

describe("a tool that declares no limit", () => {
  it("costs no command", async () => {
    const { call, guard } = createToolRig([probe(() => 1)], undefined);
    await call("probe", {});
    expect(guard.calls).toEqual([]);
  });
});

describe("a rate", () => {
  it("lets a user call so often, then says in how many seconds again; others are not counted", async () => {
    const { call, clock } = createToolRig([probe(() => 1, { rate: { calls: 2, windowMs: 60_000 } })], undefined);
    expect(await call("probe", {})).toMatchObject({ kind: "ok" });
    expect(await call("probe", {})).toMatchObject({ kind: "ok" });
    const refused = await call("probe", {});
    expect(refused).toMatchObject({ code: "rate_limited", errorText: expect.stringMatching(/in \d+ s/) as string });
    expect(await call("probe", {}, { userId: "usr_2" })).toMatchObject({ kind: "ok" });
    await clock.advance(120_000);
    expect(await call("probe", {})).toMatchObject({ kind: "ok" });
  });
});

describe("concurrency", () => {
  it("lets so many calls be under way; a place is free when one ends", async () => {
    const working = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const tool = probe(() => (begun.resolve(), working.promise), { concurrency: 1 });
    const { call } = createToolRig([tool], undefined);
    const first = call("probe", {});
    await begun.promise;
    expect(await call("probe", {})).toMatchObject({ code: "busy" });
    expect(await call("probe", {}, { userId: "usr_2", signal: AbortSignal.abort() })).toMatchObject({
      code: "stopped",
    });
    working.resolve();
    expect(await first).toMatchObject({ kind: "ok" });
    expect(await call("probe", {})).toMatchObject({ kind: "ok" });
  });
});

describe("a breaker", () => {
  function rig(body: () => unknown) {
    let runs = 0;
    const tools = ["probe", "sister"].map((name) => probe(() => ((runs += 1), body()), { name, breaker }));
    return { ...createToolRig(tools, undefined), runs: () => runs };
  }

  it("opens after failures in a row, also for the other tools that need the same, and for other users", async () => {
    const { call, runs } = rig(down);
    for (let failure = 0; failure < breaker.failures; failure += 1) {
      expect(await call("probe", {})).toMatchObject({ code: "unavailable" });
    }
    const refused = {
      code: "unavailable",
      errorText: expect.stringContaining("is down") as string,
      retryAfterMs: 30_000,
    };
    expect(await call("probe", {})).toMatchObject(refused);
    expect(await call("sister", {}, { userId: "usr_2" })).toMatchObject(refused);
    expect(runs()).toBe(breaker.failures);
  });

  it("stays closed while a success comes in between", async () => {
    let count = 0;
    const { call, runs } = rig(() => ((count += 1) % breaker.failures === 0 ? "up" : down()));
    for (let turn = 0; turn < 12; turn += 1) await call("probe", {});
    expect(runs()).toBe(12);
  });

  it("lets one call try when its time is over: a success closes it, a failure opens it anew", async () => {
    let isUp = false;
    const { call, clock, runs } = rig(() => (isUp ? "up" : down()));
    for (let failure = 0; failure < breaker.failures; failure += 1) await call("probe", {});
    await clock.advance(breaker.openMs);
    await call("probe", {});
    expect(runs()).toBe(breaker.failures + 1);
    expect(await call("probe", {})).toMatchObject({ errorText: expect.stringContaining("is down") as string });
    isUp = true;
    await clock.advance(breaker.openMs);
    expect(await call("probe", {})).toMatchObject({ kind: "ok" });
    expect(await call("sister", {})).toMatchObject({ kind: "ok" });
  });

  it("does not count the tool's own no, nor a defect of ours", async () => {
    let count = 0;
    const { call, runs } = rig(() => {
      count += 1;
      throw count % 2 === 0 ? new NonRetryableError("no table") : new AppError("internal", "a defect");
    });
    for (let turn = 0; turn < 10; turn += 1) await call("probe", {});
    expect(runs()).toBe(10);
  });
});

describe("a guard that does not answer", () => {
  const dead: ToolGuard = {
    enter: () => Promise.reject(new AppError("redis_unavailable", "inner detail")),
    leave: () => Promise.reject(new AppError("redis_unavailable", "inner detail")),
  };

  it("lets tools go on that only read", async () => {
    const { call } = createToolRig([probe(() => 1, { concurrency: 1 })], undefined);
    expect(await call("probe", {}, { guard: dead })).toMatchObject({ kind: "ok" });
  });

  it("stops tools that act, and frees their key", async () => {
    let runs = 0;
    const { call } = createToolRig([probe(() => (runs += 1), { effect: "write", concurrency: 1 })], undefined);
    expect(await call("probe", {}, { guard: dead, callKey: "k" })).toMatchObject({ code: "unavailable" });
    expect(runs).toBe(0);
    expect(await call("probe", {}, { callKey: "k" })).toMatchObject({ kind: "ok" });
  });

  it("at the end of a call changes nothing of its answer", async () => {
    const { call, guard } = createToolRig([probe(() => 1, { concurrency: 1 })], undefined);
    expect(await call("probe", {}, { guard: { ...guard, leave: dead.leave } })).toEqual({ kind: "ok", output: 1 });
  });
});
