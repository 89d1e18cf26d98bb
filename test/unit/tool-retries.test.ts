/** A tool whose call may pass: how often it is tried, when, and what is left to whoever called. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { NonRetryableError, RetryAfterError } from "../../src/engine/failures.ts";
import type { ToolContext } from "../../src/tool/tool.ts";
import { createToolRig, probe } from "../support/tool-rig.ts";

function probeRig(execute: (context: ToolContext) => unknown, contract: Parameters<typeof probe>[1] = {}) {
  return createToolRig([probe(execute, contract)], undefined);
}

describe("a tool with retries", () => {
  it.each([
    ["what it needs does not answer", new AppError("partner_unavailable", "down")],
    ["it throws whatever it may be", new Error("server said 500")],
    ["a fetch of its own is rejected", new TypeError("fetch failed")],
    ["it asks for less than the pause that comes anyway", new RetryAfterError("Busy.", { retryAfterMs: 200 })],
  ])("is tried again, ever later, when %s", async (_case, thrown) => {
    let attempts = 0;
    const { call, clock, paused } = probeRig(
      () => {
        attempts += 1;
        if (attempts < 3) throw thrown;
        return attempts;
      },
      { timeoutMs: 1_000, retries: 2 },
    );
    const result = call("probe", {});
    await paused(limits.toolBackoffMs);
    await clock.advance(limits.toolBackoffMs);
    await paused(limits.toolBackoffMs * 2);
    expect(attempts).toBe(2);
    await clock.advance(limits.toolBackoffMs * 2 - 1);
    expect(attempts).toBe(2);
    await clock.advance(1);
    expect(await result).toEqual({ kind: "ok", output: 3 });
  });

  it("gives up after its last one", async () => {
    let attempts = 0;
    const { call, clock, paused } = probeRig(
      () => {
        attempts += 1;
        throw new Error("server said 500");
      },
      { timeoutMs: 1_000, retries: 1 },
    );
    const result = call("probe", {});
    await paused(limits.toolBackoffMs);
    await clock.advance(limits.toolBackoffMs);
    expect(await result).toMatchObject({ code: "unavailable" });
    expect(attempts).toBe(2);
  });

  it.each([
    [
      "in words of its own",
      new RetryAfterError("The kitchen is full.", { retryAfterMs: 7_000 }),
      "The kitchen is full.",
    ],
    ["as an adapter passes it on", new AppError("partner_unavailable", "inner", { retryAfterMs: 7_000 }), "A service"],
  ])("that asks for longer than a call pauses is left alone for so long, %s", async (_case, thrown, words) => {
    let attempts = 0;
    const { call } = probeRig(
      () => {
        attempts += 1;
        throw thrown;
      },
      { timeoutMs: 1_000, retries: 2 },
    );
    const errorText = expect.stringContaining(`The tool probe failed: ${words}`) as string;
    expect(await call("probe", {})).toMatchObject({ code: "unavailable", retryAfterMs: 7_000, errorText });
    expect(attempts).toBe(1);
  });

  it.each([
    ["answers no", () => Promise.reject(new NonRetryableError("no"))],
    ["breaks", () => Promise.reject(new AppError("internal", "a defect"))],
  ])("is not tried again when it %s", async (_case, body) => {
    let attempts = 0;
    const { call } = probeRig(
      () => {
        attempts += 1;
        return body();
      },
      { timeoutMs: 1_000, retries: 2 },
    );
    expect(await call("probe", {})).toMatchObject({ kind: "failed" });
    expect(attempts).toBe(1);
  });

  it("that could take longer than a call may cannot be defined", () => {
    expect(() => probe(() => 1, { timeoutMs: limits.toolWholeMsMax + 1 })).toThrow("longer than a call may");
    expect(() => probe(() => 1, { timeoutMs: limits.toolWholeMsMax })).not.toThrow();
  });
});
