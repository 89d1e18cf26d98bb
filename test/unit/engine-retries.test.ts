/** How often a step is tried, when, and what comes of it. */
import { createLazyAbort } from "../../src/engine/lazy-abort.ts";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { attemptStep } from "../../src/engine/attempt-step.ts";
import { NonRetryableError, RetryAfterError, RunFailed } from "../../src/engine/failures.ts";
import type { StepOptions } from "../../src/engine/run-context.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

const failing = (times: number, options: StepOptions<string> = {}) =>
  runOf((ctx: PlayContext) =>
    ctx.step(
      "try",
      async (step) => {
        await ctx.services.act("tried", step);
        if (ctx.services.isAmongFirst(step.idempotencyKey, times)) throw new Error("not yet");
        return `at attempt ${step.attempt}`;
      },
      options,
    ),
  );

describe("a step that fails", () => {
  it("is tried again until it succeeds", async () => {
    await everyWay({ definitions: [failing(2)] }, ({ state, happened }) => {
      expect(state.status).toBe("completed");
      expect(happened.length).toBeGreaterThanOrEqual(3);
    });
  });

  it("is tried four times in all when nothing is said", async () => {
    const { state, happened } = await playRun({ definitions: [failing(100)] });
    expect(state).toMatchObject({ status: "failed", failure: { name: "Error", message: "not yet" } });
    expect(happened).toHaveLength(4);
  });

  it("is tried once where no retries are wanted", async () => {
    const { state, happened } = await playRun({ definitions: [failing(1, { retries: 0 })] });
    expect(state.status).toBe("failed");
    expect(happened).toHaveLength(1);
  });

  it("is tried at most 101 times, whatever its code asks for", async () => {
    const { happened } = await playRun({ definitions: [failing(1_000, { retries: 5_000, backoff: 0 })] });
    expect(happened).toHaveLength(101);
  });

  it("counts its attempts over all segments", async () => {
    const { state, trace } = await playRun({ definitions: [failing(3, { backoff: "10m" })] });
    expect(state).toMatchObject({ output: "at attempt 4", segments: 4 });
    expect(trace.filter((line) => line.includes("schedule"))).toHaveLength(3);
  });

  it.each<[string, () => unknown, string | undefined]>([
    ["NonRetryableError", () => new NonRetryableError("no such table"), undefined],
    ["RunFailed", () => new RunFailed("closed", { code: "closed" }), "closed"],
    ["a refusal", () => new AppError("bad_request", "wrong shape"), "bad_request"],
    ["a defect", () => new AppError("internal", "inner detail"), "internal"],
  ])("with %s is not tried again", async (_name, make, code) => {
    let attempts = 0;
    const runs = runOf((ctx) =>
      ctx.step("try", () => {
        attempts += 1;
        throw make();
      }),
    );
    const { state } = await playRun({ definitions: [runs] });
    expect(attempts).toBe(1);
    expect(state).toMatchObject({ status: "failed", failure: code === undefined ? {} : { code } });
    expect(state.failure?.message).not.toContain("inner detail");
  });

  it("may throw anything: what is no error is told by its type, and long messages are cut", async () => {
    const thrown: unknown[] = ["a secret text", undefined, new Error("x".repeat(3_000))];
    const messages: string[] = [];
    for (const value of thrown) {
      const runs = runOf((ctx) =>
        ctx.step(
          "try",
          () => {
            throw value;
          },
          { retries: 0 },
        ),
      );
      messages.push((await playRun({ definitions: [runs] })).state.failure!.message);
    }
    expect(messages.slice(0, 2)).toEqual(["a string was thrown", "a undefined was thrown"]);
    expect(messages[2]).toHaveLength(2_000);
  });
});

describe("the pause before the next attempt", () => {
  const delayOf = async (o: { attempt: number; chance: number; thrown?: unknown; backoff?: number }) => {
    const outcome = await attemptStep(
      { deadlines: { set: () => () => {} }, chance: () => o.chance },
      {
        idempotencyKey: "key",
        attempt: o.attempt,
        options: { retries: 100, ...(o.backoff === undefined ? {} : { backoff: o.backoff }) },
        abort: createLazyAbort(),
        body: () => {
          throw o.thrown ?? new Error("no");
        },
      },
    );
    return outcome.kind === "again" ? outcome.delayMs : undefined;
  };

  it("begins with a second, is doubled each time, and never above an hour", async () => {
    const delays = await Promise.all([1, 2, 3, 10, 13, 90].map((attempt) => delayOf({ attempt, chance: 0 })));
    expect(delays).toEqual([1_000, 2_000, 4_000, 512_000, 3_600_000, 3_600_000]);
  });

  it("is longer by up to a quarter, by chance", async () => {
    expect(await delayOf({ attempt: 1, chance: 1 })).toBe(1_250);
    expect(await delayOf({ attempt: 2, chance: 0.5, backoff: 100 })).toBe(225);
  });

  it.each([
    ["an adapter's", (retryAfterMs: number) => new AppError("partner_unavailable", "busy", { retryAfterMs })],
    ["the body's own", (retryAfterMs: number) => new RetryAfterError("busy", { retryAfterMs })],
  ])("is the one that %s failure asks for, but no longer than a day and not below 0", async (_case, asking) => {
    expect(await delayOf({ attempt: 1, chance: 1, thrown: asking(90_000) })).toBe(90_000);
    expect(await delayOf({ attempt: 1, chance: 1, thrown: asking(Infinity) })).toBe(86_400_000);
    expect(await delayOf({ attempt: 1, chance: 1, thrown: asking(-5) })).toBe(0);
  });
});

describe("an attempt that takes too long", () => {
  it("fails when its time is up, also if its body ignores the signal", async () => {
    const runs = runOf((ctx) => ctx.step("hang", () => new Promise<string>(() => {}), { timeout: "5s", retries: 1 }));
    const { state, elapsedMs } = await playRun({ definitions: [runs] });
    expect(state).toMatchObject({ status: "failed", failure: { message: "no result within 5000 ms" } });
    expect(elapsedMs).toBeGreaterThanOrEqual(11_000);
    expect(elapsedMs).toBeLessThan(12_000);
  });

  it("is told by its signal, and what it still answers is of no use", async () => {
    const reasons: string[] = [];
    const runs = runOf((ctx) =>
      ctx.step(
        "slow",
        async ({ attempt, signal }) => {
          signal.addEventListener("abort", () => reasons.push((signal.reason as Error).message));
          await ctx.services.pause(attempt === 1 ? 7_000 : 10);
          return attempt;
        },
        { timeout: "5s" },
      ),
    );
    const { state } = await playRun({ definitions: [runs] });
    expect(state.output).toBe(2);
    expect(reasons).toEqual(["no result within 5000 ms"]);
  });

  it("has 30 seconds when nothing is said", async () => {
    const runs = runOf((ctx) => ctx.step("slow", () => ctx.services.pause(29_999).then(() => "in time")));
    expect((await playRun({ definitions: [runs] })).state.output).toBe("in time");
    const late = runOf((ctx) => ctx.step("slow", () => ctx.services.pause(30_001), { retries: 0 }));
    expect((await playRun({ definitions: [late] })).state.status).toBe("failed");
  });
});
