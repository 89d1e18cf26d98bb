/** A round of the sweep over the real app and QStash: what it sends for goes out together. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { formatEntry } from "../../src/engine/journal-entry.ts";
import { isAlertMinute } from "../../src/ops/check-alerts.ts";
import { upstashJournal } from "../../src/upstash/journal.ts";
import { runClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { quietSteps } from "../support/test-runs.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ definitions: [quietSteps], time: "stack" });
});
beforeEach(async () => {
  app.stack.faults.clear();
  // In two minutes neither a round that sends after each read nor one that looks for alerts.
  while (!isQuiet(Math.floor(app.stack.clock.now() / 60_000) + 2)) await app.stack.clock.advance(60_000);
});
afterAll(() => app.close());

const isQuiet = (minute: number): boolean => minute % 4 === 2 && !isAlertMinute(minute * 60_000);

/** Runs of which only the start is written, as by an isolate that died then; two minutes later. */
async function stranded(count: number) {
  const caller = await app.signIn();
  const now = app.stack.clock.now();
  const journal = upstashJournal(app.redis, app.stack.clock);
  const runIds: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const runId = `run_${crypto.randomUUID().replaceAll("-", "")}`;
    const record = { type: "started", definition: "quiet-steps", version: 1, input: { count: 1 } } as const;
    const entries = [formatEntry({ writer: "-", seq: 0, at: now, record })];
    await journal.start({ userId: caller.userId, runId }, { entries, startedAtMs: now, dueAtMs: now });
    runIds.push(runId);
  }
  await app.stack.clock.advance(120_000);
  app.stack.traffic.clear();
  app.stack.ledger.reset();
  const runs = runClient(caller);
  return {
    ends: async () =>
      (await Promise.all(runIds.map((id) => runs.view(id)))).map(({ status, segments }) => `${status} ${segments}`),
  };
}

const toQstash = (): string[] => app.stack.traffic.list({ server: "qstash" }).map(({ url }) => url);
/** Status and segments. */
const all = (count: number, end: string): string[] => Array<string>(count).fill(end);

describe("a round for which nothing is due", () => {
  it("costs three commands in one round trip: runs, turns and the outbox", async () => {
    await stranded(0);
    await app.sweep();
    expect(app.stack.ledger.read()).toMatchObject({ commands: 3, roundTrips: 1 });
    expect(toQstash()).toEqual([]);
  });
});

describe("twenty runs that were left on their way", () => {
  it("are sent for in one request to QStash, and go on", async () => {
    const { ends } = await stranded(20);
    await app.sweep();
    expect(toQstash()).toEqual(["/v2/batch"]);
    // One command for the turns and one for the outbox are in it.
    expect(app.stack.ledger.read()).toMatchObject({ commands: 22 + 2, roundTrips: 6 });
    await app.settled();
    expect(app.stack.ledger.read().messages).toBe(20);
    expect(await ends()).toEqual(all(20, "completed 1"));
  });

  it("are sent for again by the next round where QStash took none", async () => {
    const { ends } = await stranded(20);
    app.stack.faults.add({ server: "qstash", action: "status", status: 503, count: 1 });
    await app.sweep();
    await app.settled();
    expect(await ends()).toEqual(all(20, "running 0"));
    expect(app.logLines.some((line) => line.includes("the queue does not bring runs on"))).toBe(true);
    await app.stack.clock.advance(60_000);
    await app.sweep();
    await app.settled();
    expect(await ends()).toEqual(all(20, "completed 1"));
  });

  it("go on once each where the answer of QStash was lost after its effect", async () => {
    const { ends } = await stranded(20);
    app.stack.faults.add({ server: "qstash", action: "drop-after", count: 2 });
    await app.sweep();
    await app.settled();
    expect(await ends()).toEqual(all(20, "completed 1"));
  });
});
