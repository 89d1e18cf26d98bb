/** Runs that wait for days, walked with the stack's clock, over the real app. */
import * as z from "zod/mini";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import { isAlertMinute } from "../../src/ops/check-alerts.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { startCron } from "../../stack/cron.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

const dayMs = 24 * 60 * 60 * 1_000;

const sleeper = defineRun({
  name: "sleeper",
  version: 1,
  input: z.object({ ms: z.number() }),
  async run(ctx: RunContext<RunServices>, { ms }) {
    const before = await ctx.step("before", () => "went to sleep");
    await ctx.sleep("night", ms);
    return ctx.step("after", () => `${before} and woke`);
  },
});

const untilThen = defineRun({
  name: "until-then",
  version: 1,
  input: z.object({ at: z.number() }),
  async run(ctx: RunContext<RunServices>, { at }) {
    await ctx.sleepUntil("then", at);
    return "then";
  },
});

/** A step each day, for as many days. */
const daily = defineRun({
  name: "daily",
  version: 1,
  input: z.object({ days: z.number() }),
  async run(ctx: RunContext<RunServices>, { days }) {
    return ctx.loop<number, number>("day", 0, async (turn, day) => {
      if (day === days) return { kind: "done", result: day };
      await turn.step("work", () => day);
      await turn.sleep("night", "1d");
      return { kind: "next", state: day + 1 };
    });
  },
});

let app: TestApp;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [sleeper, untilThen, daily, waitForGo], time: "stack" });
});
beforeEach(async () => {
  runs = runClient(await app.signIn());
});
afterAll(() => app.close());

async function started(name: string, input: unknown): Promise<string> {
  const runId = await runs.start(name, input);
  await app.settled();
  return runId;
}

async function pass(ms: number): Promise<void> {
  await app.stack.clock.advance(ms);
  await app.settled();
}

describe("a run that sleeps", () => {
  it("for three days touches nothing meanwhile, and goes on to the second with one message", async () => {
    const runId = await started("sleeper", { ms: 3 * dayMs });
    app.stack.ledger.reset();
    // QStash counts whole seconds: a wake comes up to one late, never early.
    await pass(3 * dayMs - 1);
    expect(app.stack.ledger.read()).toMatchObject({ commands: 0, messages: 0 });
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", segments: 1, steps: 1 });
    await pass(1_001);
    expect(await runs.view(runId)).toMatchObject({
      status: "completed",
      segments: 2,
      output: "went to sleep and woke",
    });
    expect(app.stack.ledger.read().messages).toBe(1);
  });

  it("for longer than the queue can wait is carried on from message to message, to the same time", async () => {
    const runId = await started("sleeper", { ms: 20 * dayMs });
    const { wakesAt } = await runs.view(runId);
    app.stack.ledger.reset();
    await pass(19 * dayMs);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", segments: 3, wakesAt });
    await pass(dayMs + 1_000);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", segments: 4 });
    expect(app.stack.ledger.read().messages).toBe(3);
  });

  it("for a moment sleeps in its segment, and needs no message", async () => {
    app.stack.ledger.reset();
    const runId = await runs.start("sleeper", { ms: limits.inlineWaitMsMax });
    await app.stack.clock.advance(limits.publishMs);
    await expect.poll(async () => (await runs.view(runId)).waits).toHaveLength(1);
    await app.stack.clock.advance(limits.inlineWaitMsMax);
    await expect.poll(async () => (await runs.view(runId)).status).toBe("completed");
    expect(await runs.view(runId)).toMatchObject({ segments: 1 });
    expect(app.stack.ledger.read().messages).toBe(0);
  });

  it("until a time that has passed goes on at once", async () => {
    const at = app.stack.clock.now() - dayMs;
    expect(await runs.view(await started("until-then", { at }))).toMatchObject({ status: "completed", segments: 1 });
  });

  it("until a time goes on then", async () => {
    const at = app.stack.clock.now() + dayMs;
    const runId = await started("until-then", { at });
    await pass(dayMs + 1_000);
    const view = await runs.view(runId);
    expect(view.status).toBe("completed");
    expect(view.updatedAt).toBeGreaterThanOrEqual(at);
    expect(view.updatedAt).toBeLessThanOrEqual(at + 1_000);
  });

  it("each night for two weeks does its work each day, and its cost stays the same", async () => {
    const runId = await started("daily", { days: 14 });
    const costs: number[] = [];
    for (let day = 0; day < 14; day += 1) {
      app.stack.ledger.reset();
      await pass(dayMs + 1_000);
      costs.push(app.stack.ledger.read().commands);
    }
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: 14 });
    // The first and the last day begin and end things; those between are all alike.
    expect(new Set(costs.slice(1, -1)).size).toBe(1);
  });
});

describe("a run that waits for a signal", () => {
  it("is told when the time is over", async () => {
    const runId = await started("wait-for-go", { timeoutMs: 30 * 60_000 });
    await pass(30 * 60_000 + 1_000);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { kind: "timed-out" } });
  });

  it("gets one that comes in the last second, and the message of its time finds nothing to do", async () => {
    const runId = await started("wait-for-go", { timeoutMs: 30 * 60_000 });
    await pass(30 * 60_000 - 1);
    await runs.act(runId, "signal", { name: "go", payload: 1 });
    await app.settled();
    const view = await runs.view(runId);
    expect(view).toMatchObject({ status: "completed", output: { kind: "received", payload: 1 } });
    await pass(60_000);
    expect(await runs.view(runId)).toEqual(view);
  });
});

describe("the sweep, each minute of the stack's clock", () => {
  it("costs one command for each registry, of runs, turns and the outbox, while all is in order", async () => {
    await started("sleeper", { ms: 3 * dayMs });
    // In some minutes it looks for what operators are to be told of, too.
    while (isAlertMinute(app.stack.clock.now())) await pass(60_000);
    app.stack.ledger.reset();
    await app.sweep();
    expect(app.stack.ledger.read().byCommand).toEqual({ ZRANGE: 3 });
  });

  it("wakes a run whose message was lost for good", async () => {
    const runId = await started("sleeper", { ms: dayMs });
    app.stack.faults.add({ server: "delivery", match: runId, action: "status", status: 500 });
    await pass(dayMs + 60_000);
    app.stack.faults.clear();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", segments: 1 });
    const stop = startCron(app.stack.clock, app.sweep);
    await pass(60_000);
    await expect.poll(async () => (await runs.view(runId)).status).toBe("completed");
    stop();
  });

  it("finishes what a segment left undone that died right after it gave the lease back", async () => {
    app.stack.faults.add({ server: "qstash", action: "status", status: 500, match: "execute-step" });
    const runId = await started("sleeper", { ms: dayMs });
    app.stack.faults.clear();
    expect(await runs.view(runId)).toMatchObject({ status: "waiting", segments: 1 });
    await pass(dayMs + limits.sweepSlackMs);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    await app.sweep();
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
  });
});
