/** Without a queue the app calls itself (`QUEUE=fetch`), and leans on the sweep. */
import * as z from "zod/mini";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { inClear, startTestApp, type TestApp } from "../support/test-app.ts";
import { childOfTwo, quietSteps, toldSteps, waitForGo } from "../support/test-runs.ts";

const hourMs = 60 * 60_000;

const napper = defineRun({
  name: "napper",
  version: 1,
  input: z.object({ ms: z.number() }),
  async run(ctx: RunContext<RunServices>, { ms }) {
    await ctx.sleep("nap", ms);
    return ctx.step("after", () => "awake");
  },
});

const ask = defineRun({
  name: "ask-nobody",
  version: 1,
  input: z.object({}),
  run: (ctx: RunContext<RunServices>) => ctx.call("question", { url: "https://example.com" }),
});

let app: TestApp;
let runs: RunClient;
beforeAll(async () => {
  const definitions = [napper, ask, childOfTwo, quietSteps, toldSteps, waitForGo];
  const bindings = { QSTASH_TOKEN: "", QUEUE: "", INTERNAL_SYSTEM_KEY: "" };
  app = await startTestApp({ definitions, bindings: { ...bindings, ...inClear }, time: "stack" });
});
beforeEach(async () => {
  runs = runClient(await app.signIn());
});
afterAll(() => app.close());

async function started(name: string, input: unknown = {}): Promise<string> {
  const runId = await runs.start(name, input);
  await app.settled();
  return runId;
}

describe("an app without a queue", () => {
  it("says so where it says that it is ready", async () => {
    const ready = await (await app.fetch("/ready")).json();
    expect(ready).toMatchObject({ status: "ready", queue: { name: "fetch", isFallback: true } });
  });

  it("brings a run from segment to segment by calls to itself, which only its own key opens", async () => {
    app.stack.ledger.reset();
    const runId = await started("quiet-steps", { count: 130 });
    const view = await runs.view(runId);
    expect(view).toMatchObject({ status: "completed" });
    expect(view.segments).toBeGreaterThanOrEqual(4);
    expect(app.stack.ledger.read().messages).toBe(0);
    const forged = { method: "POST", body: "{}", headers: { "x-internal-key": "x" } };
    expect((await app.fetch("/api/engine/execute-step", forged)).status).toBe(401);
    // Nobody signs here, so nothing that looks signed gets in.
    const signed = { ...forged, headers: { "upstash-signature": "a.b.c" } };
    expect((await app.fetch("/api/engine/execute-step", signed)).status).toBe(401);
  });

  it("counts its calls to itself as subrequests and as no message", async () => {
    const runId = await started("quiet-steps", { count: 130 });
    const { messages, roundTrips, subrequests, segments, money } = await runs.receipt(runId);
    expect({ messages, queueUsd: money.queueUsd }).toEqual({ messages: 0, queueUsd: 0 });
    expect(subrequests - roundTrips).toBe(segments - 1);
  });

  it("wakes a run by a signal, and a parent by its child", async () => {
    const runId = await started("wait-for-go");
    await runs.act(runId, "signal", { name: "go" });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
    expect(await runs.view(await started("child-of-two"))).toMatchObject({ status: "completed", output: 1 });
  });

  it("keeps a short wait in hand, and leaves a long one to the sweep", async () => {
    const short = await runs.start("napper", { ms: 10_000 });
    await expect.poll(async () => (await runs.view(short)).status).toBe("waiting");
    await app.stack.clock.advance(10_000);
    await app.settled();
    expect(await runs.view(short)).toMatchObject({ status: "completed" });
    const long = await started("napper", { ms: hourMs });
    await app.stack.clock.advance(hourMs + limits.sweepSlackMs);
    expect(await runs.view(long)).toMatchObject({ status: "waiting" });
    await app.sweep();
    await app.settled();
    expect(await runs.view(long)).toMatchObject({ status: "completed", output: "awake" });
  });

  it("finds a run whose call was lost by the sweep", async () => {
    // The opening of the second segment gets no answer.
    app.stack.faults.add({ server: "redis", match: 'after\\":1', action: "drop-before", count: 1 });
    const runId = await started("quiet-steps", { count: 60 });
    expect(await runs.view(runId)).toMatchObject({ status: "running", segments: 1 });
    await app.stack.clock.advance(limits.leaseMs + limits.sweepSlackMs + 1);
    await app.sweep();
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", segments: 2 });
  });

  it("cannot have others make a call: the step fails and says why", async () => {
    const view = await runs.view(await started("ask-nobody"));
    expect(view).toMatchObject({ status: "failed", segments: 1 });
    expect(view.failure?.message).toContain("ctx.call needs QStash");
  });
});
