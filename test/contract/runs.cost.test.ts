/** What runs cost, counted by the stack as Upstash would bill it; and that receipts say the same. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runUse, turnUse } from "../../scripts/doctor/forecast.ts";
import type { RunReceipt } from "../../src/engine/run-view.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { askPartner, childOfTwo, quietSteps, toldSteps, waitForGo } from "../support/test-runs.ts";

/** Of each API request, beside what it does: session and limit. */
const gateRoundTrips = 1;

let app: TestApp;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [askPartner, toldSteps, quietSteps, waitForGo, childOfTwo], time: "stack" });
});
beforeEach(async () => {
  runs = runClient(await app.signIn());
});
afterAll(() => app.close());

interface Bill {
  readonly commands: number;
  readonly messages: number;
  readonly roundTrips: number;
  /** Requests that came to the stack from the app. */
  readonly subrequests: number;
}

/** What `work` was billed for runs: commands on their keys and channels, messages, and requests of which kind ever. */
async function billOf(work: () => Promise<unknown>, requests: number): Promise<Bill> {
  app.stack.ledger.reset();
  app.stack.traffic.clear();
  await work();
  await app.settled();
  const { byKeyPrefix, byCommand, messages, roundTrips: trips } = app.stack.ledger.read();
  const commands = (byKeyPrefix["runs"] ?? 0) + (byCommand["PUBLISH"] ?? 0);
  const roundTrips = trips - requests * gateRoundTrips;
  const toQstash = app.stack.traffic.list({ server: "qstash" }).length;
  return { commands, messages, roundTrips, subrequests: roundTrips + toQstash };
}

async function billOfRun(name: string, input: unknown): Promise<{ runId: string; bill: Bill }> {
  let runId = "";
  const bill = await billOf(async () => (runId = await runs.start(name, input)), 1);
  return { runId, bill };
}

function costOf({ commands, messages, roundTrips, subrequests }: RunReceipt): Bill {
  return { commands, messages, roundTrips, subrequests };
}

describe("a run of 20 steps", () => {
  it("costs 25 commands, one round trip a step and no message, where nobody follows", async () => {
    await billOfRun("quiet-steps", { count: 0 });
    const { bill } = await billOfRun("quiet-steps", { count: 20 });
    expect(bill).toMatchObject({ commands: 25, messages: 0, roundTrips: 22 });
  });

  it("costs one command more in an isolate that does not know the budget of the definition yet", async () => {
    await app.stack.clock.advance(61_000);
    const { bill } = await billOfRun("quiet-steps", { count: 20 });
    expect(bill).toMatchObject({ commands: 26, messages: 0, roundTrips: 22 });
  });

  it("costs at most 30 commands with its events", async () => {
    await billOfRun("told-steps", { count: 0 });
    const { bill } = await billOfRun("told-steps", { count: 20 });
    expect(bill.commands).toBeLessThanOrEqual(30);
    expect(bill).toMatchObject({ messages: 0, roundTrips: 22 });
  });
});

describe("a run of 60 steps on Workers Free", () => {
  it("goes on in a second segment by one signed delivery, before its subrequests are used up", async () => {
    const { runId, bill } = await billOfRun("quiet-steps", { count: 60 });
    const receipt = await runs.receipt(runId);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", segments: 2, output: 1_770 });
    expect(bill).toMatchObject({ commands: 60 + 7, messages: 1, roundTrips: 60 + 3 });
    expect(receipt.subrequests).toBeLessThanOrEqual(50 * 2);
  });

  it("keeps each of its segments under 50 subrequests, whatever its length", async () => {
    const { runId } = await billOfRun("told-steps", { count: 200 });
    const receipt = await runs.receipt(runId);
    expect(receipt.segments).toBeGreaterThanOrEqual(5);
    expect(receipt.subrequests / receipt.segments).toBeLessThanOrEqual(50);
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
  });
});

describe("the doctor's forecast", () => {
  it("counts for a turn and for a run what they are billed, within a fifth", async () => {
    const who = await app.signIn();
    const billed = async (work: () => Promise<unknown>): Promise<number> => {
      app.stack.ledger.reset();
      await work();
      await app.settled();
      return app.stack.ledger.read().commands;
    };
    const ofTurn = await billed(async () => {
      await (await who.chat("forecast", "m1", "hi")).text();
      await (await who.fetch("/api/conversations")).text();
    });
    const ofRun = await billed(async () => {
      const runId = await runs.start("told-steps", { count: 20 });
      await app.settled();
      await runs.view(runId);
      await runs.view(runId);
    });
    expect(Math.abs(ofTurn / turnUse.commands - 1)).toBeLessThan(0.2);
    expect(Math.abs(ofRun / runUse.commands - 1)).toBeLessThan(0.2);
  });
});

describe("the receipt of a run", () => {
  it.each([
    ["quiet-steps", { count: 20 }],
    ["told-steps", { count: 20 }],
    ["quiet-steps", { count: 130 }],
    ["told-steps", { count: 130 }],
    ["told-steps", { count: 0 }],
  ])("of %s with %j is what the stack has billed", async (name, input) => {
    const { runId, bill } = await billOfRun(name, input);
    const receipt = await runs.receipt(runId);
    expect(costOf(receipt)).toEqual(bill);
    expect(receipt).toMatchObject({ runId, isFinal: true });
  });

  it("of a run that waits counts the message that will wake it; what acts on the run is a request of its own", async () => {
    const waiting = await billOfRun("wait-for-go", { timeoutMs: 60_000 });
    const first = await runs.receipt(waiting.runId);
    expect(costOf(first)).toEqual({ ...waiting.bill, messages: 1 });
    // The signal costs 3 commands in 2 round trips, and the message that it triggers, in a request.
    const signal = await billOf(() => runs.act(waiting.runId, "signal", { name: "go" }), 1);
    const whole = await runs.receipt(waiting.runId);
    expect(costOf(whole)).toEqual({
      commands: first.commands + signal.commands - 3,
      messages: 1,
      roundTrips: first.roundTrips + signal.roundTrips - 2,
      subrequests: first.subrequests + signal.subrequests - 3,
    });
  });

  it.each([
    ["counts that, and the callback with the answer", 0],
    ["counts each request to the queue, the lost one too, and one message", 1],
  ])("of a run for which the queue makes a request %s", async (_what, lost) => {
    const partner = await serveFetch(async () => new Response("42"));
    app.stack.faults.add({ server: "qstash", match: partner.url, action: "drop-before", count: lost });
    const { runId, bill } = await billOfRun("ask-partner", { url: partner.url });
    await partner.close();
    expect(app.stack.traffic.list({ server: "qstash" })).toHaveLength(3 + lost);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: "42" });
    // The callback acts as a signal does: 3 commands in 2 round trips, and a message. That for the end of the wait is still to come.
    expect(costOf(await runs.receipt(runId))).toEqual({
      commands: bill.commands - 3,
      messages: bill.messages - 1 + 1,
      roundTrips: bill.roundTrips - 2,
      subrequests: bill.subrequests - 3,
    });
  });

  it("of a parent and its child together is what the stack has billed for both", async () => {
    const { runId, bill } = await billOfRun("child-of-two", {});
    const { runs: listed } = await runs.list();
    const receipts = await Promise.all(listed.map((run) => runs.receipt(run.runId)));
    expect(listed.map(({ definition, status }) => `${definition} ${status}`).toSorted()).toEqual([
      "child-of-two completed",
      "told-steps completed",
    ]);
    expect(receipts.some((receipt) => receipt.runId === runId)).toBe(true);
    const sum = (field: keyof Bill) => receipts.reduce((total, receipt) => total + receipt[field], 0);
    // The wait of the parent for its child has a message of its own, which is billed when its time comes.
    expect({
      commands: sum("commands"),
      messages: sum("messages") - 1,
      roundTrips: sum("roundTrips"),
      subrequests: sum("subrequests"),
    }).toEqual(bill);
  });
});
