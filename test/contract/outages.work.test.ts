/** Work that was under way when something behind the app went down: it goes on once that is back. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { errorCatalogue } from "../../src/core/errors.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { redisCommand, runClient } from "../support/run-client.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";
import { uiChunks } from "../support/sse.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { askPartner } from "../support/test-runs.ts";

const minuteMs = 60_000;

/** Longer than one segment may be. */
const napping = defineRun({
  name: "napping",
  version: 1,
  input: z.object({}),
  async run(ctx: RunContext) {
    await ctx.step("before", () => 1);
    await ctx.sleep("nap", "10m");
    return ctx.step("after", () => 2);
  },
});

let app: TestApp;
let partner: Server;
let partnerUrl: string;
let asked = 0;
beforeAll(async () => {
  app = await startTestApp({ definitions: [askPartner, napping], time: "stack" });
  partner = createServer((_request, response) => {
    asked += 1;
    response.end("it is so");
  });
  await new Promise<void>((resolve) => partner.listen(0, "127.0.0.1", resolve));
  partnerUrl = `http://127.0.0.1:${(partner.address() as AddressInfo).port}/`;
});
afterEach(() => {
  app.stack.faults.clear();
  asked = 0;
});
afterAll(async () => {
  await app.close();
  await new Promise((resolve) => partner.close(resolve));
});

/** Minutes of the stack's time, each with its sweep. */
async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await app.stack.clock.advance(minuteMs);
    await app.sweep();
    await app.settled();
  }
}

const kept = (): Promise<unknown> => redisCommand(app.stack, ["HLEN", "outbox"]);

describe("while QStash is down", () => {
  it("a request for a run waits in the outbox, leaves it once, and the run ends with the answer", async () => {
    const runs = runClient(await app.signIn());
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    const runId = await runs.start("ask-partner", { url: partnerUrl });
    await app.background();
    expect(await kept()).toBe(1);
    await pass(3);
    expect(await kept()).toBe(1);
    expect(asked).toBe(0);
    app.stack.faults.clear();
    await pass(2);
    expect(await kept()).toBe(0);
    expect(asked).toBe(1);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: "it is so" });
  });

  it("a queued call of a tool waits in the outbox, leaves it once, and has run once", async () => {
    const who = await app.signIn();
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    const { executionId } = await queueTool(who, "calculator", { parameters: { expression: "6 * 7" } });
    expect(await kept()).toBe(1);
    await pass(2);
    expect(await readExecution(who, executionId)).toMatchObject({ status: "queued", attempts: 0 });
    app.stack.faults.clear();
    await pass(2);
    expect(await kept()).toBe(0);
    expect(await readExecution(who, executionId)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("a message that was taken although the answer was lost is not sent twice", async () => {
    const runs = runClient(await app.signIn());
    app.stack.faults.add({ server: "qstash", action: "drop-after", match: "/v2/publish" });
    const runId = await runs.start("ask-partner", { url: partnerUrl });
    await app.background();
    app.stack.faults.clear();
    await pass(2);
    expect(asked).toBe(1);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: "it is so" });
  });

  it("a run whose wake-up could not be scheduled goes on in time, by the sweep", async () => {
    const runs = runClient(await app.signIn());
    app.stack.faults.add({ server: "qstash", action: "status", status: 503 });
    const runId = await runs.start("napping");
    await app.background();
    app.stack.faults.clear();
    await pass(12);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: 2 });
  });

  it("a fork and a redrive are accepted once, and started by the sweep", async () => {
    const who = await app.signIn();
    const runs = runClient(who);
    const source = await runs.start("napping");
    await app.background();
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    const begun: string[] = [];
    for (const [path, body] of [
      [`/api/runs/${source}/fork`, { steps: 1, allowWrites: true }],
      ["/api/dead-letters/redrive", { perMinute: 20 }],
    ] as const) {
      const response = await who.post(path, body);
      expect(response.status).toBe(202);
      begun.push(((await response.json()) as { runId: string }).runId);
    }
    await app.background();
    app.stack.faults.clear();
    await pass(14);
    expect(await runs.view(begun[0]!)).toMatchObject({ status: "completed", output: 2, forkedFrom: { runId: source } });
    const redrive = await who.fetch(`/api/dead-letters/redrives/${begun[1]}`);
    expect(await redrive.json()).toMatchObject({ status: "completed" });
  });

  it("a chat turn is answered", async () => {
    const who = await app.signIn();
    app.stack.model.script({ kind: "reply", text: "here" });
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    const chunks = await uiChunks(await who.chat("c", "m1", "are you there?"));
    expect(chunks.at(-1)?.type).toBe("finish");
  });
});

describe("while Redis is down", () => {
  it("a delivery is tried again by the queue, and the run ends as if nothing had been", async () => {
    const runs = runClient(await app.signIn());
    const runId = await runs.start("napping");
    await app.background();
    app.stack.faults.add({ server: "redis", action: "drop-before", match: "RPUSHX", count: 2 });
    await pass(12);
    expect(app.stack.faults.list()).toEqual([]);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: 2 });
  });
});

describe("while the model is down", () => {
  it.each([
    ["drops the connection", { action: "drop-before" }, "model_unavailable"],
    ["answers 500", { action: "status", status: 500 }, "model_unavailable"],
    ["answers 429", { action: "status", status: 429 }, "model_rate_limited"],
  ] as const)("and %s, a turn ends in words, and the next one is answered", async (_how, fault, code) => {
    const who = await app.signIn();
    app.stack.faults.add({ server: "model", ...fault });
    const chunks = await uiChunks(await who.chat("c", "m1", "are you there?"));
    expect(chunks.at(-1)).toMatchObject({ type: "error", errorText: errorCatalogue[code].publicText });
    await app.background();
    app.stack.faults.clear();
    app.stack.model.script({ kind: "reply", text: "here" });
    expect((await uiChunks(await who.chat("c", "m2", "and now?"))).at(-1)?.type).toBe("finish");
  });
});
