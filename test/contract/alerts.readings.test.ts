/** The readings that rules look at, over the real app: what the queue has given up, and what models cost. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import { OFFLINE_MODEL_NAME } from "../../stack/model/model-front.ts";
import { everyLetter, type Listed } from "../support/letters.ts";
import { runClient } from "../support/run-client.ts";
import { serveFetch, type ServedFetch } from "../support/serve-fetch.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { operatorHeaders as headers } from "./ask-route.ts";

/** Has the queue ask somebody who is not there. */
const askNobody = defineRun({
  name: "ask-nobody",
  version: 1,
  input: z.object({}),
  run: async (ctx: RunContext) => (await ctx.call("ask", { url: "http://127.0.0.1:1/", retries: 0 })).status,
});

const minuteMs = 60_000;
let app: TestApp;
let webhook: ServedFetch;
const told: { readonly rule: string; readonly state: string; readonly value: number; readonly text: string }[] = [];
beforeAll(async () => {
  webhook = await serveFetch(async (request) => {
    told.push((await request.json()) as (typeof told)[number]);
    return new Response();
  });
  app = await startTestApp({
    definitions: [askNobody],
    time: "stack",
    bindings: {
      ALERT_WEBHOOK_URL: `${webhook.url}/alerts`,
      EGRESS_ALLOWED_HOSTS: new URL(webhook.url).host,
      ALERT_THRESHOLDS: '{"deadLetters":2,"spendUsd":1}',
      // A token of the question costs a dollar, one of the answer two.
      MODEL_PRICES: JSON.stringify({ [OFFLINE_MODEL_NAME]: { input: 1_000_000, output: 2_000_000 } }),
    },
  });
});
beforeEach(() => void told.splice(0));
afterAll(async () => {
  await app.close();
  await webhook.close();
});

/** Minutes of the stack's time, each with its sweep. */
async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await app.stack.clock.advance(minuteMs);
    await app.sweep();
    await app.settled();
  }
}

describe("messages that the queue has given up", () => {
  it("open an incident when there are as many as the threshold says, which is over when they are gone", async () => {
    const runs = runClient(await app.signIn());
    await runs.start("ask-nobody");
    await app.settled();
    await pass(6);
    expect(told).toEqual([]);
    await runs.start("ask-nobody");
    await app.settled();
    await pass(6);
    expect(told).toMatchObject([
      { rule: "deadLetters", state: "opened", value: 2, text: "Alert: the queue has given up 2 messages." },
    ]);
    const page = async (query: string): Promise<Listed> =>
      (await (await app.fetch(`/api/dead-letters${query}`, { headers })).json()) as Listed;
    for (const { id } of await everyLetter(page)) {
      expect((await app.fetch(`/api/dead-letters/${id}`, { method: "DELETE", headers })).status).toBe(204);
    }
    await pass(6);
    expect(told.slice(1)).toMatchObject([{ rule: "deadLetters", state: "resolved", value: 0 }]);
  });
});

describe("what models cost", () => {
  /** By the receipt in the last line of the answer. */
  async function chat(id: string): Promise<number> {
    const text = await (await (await app.signIn()).chat(id, "m1", "What is 2 + 3?")).text();
    const { inputTokens, outputTokens } = JSON.parse(/: receipt (\{.*\})\n\n$/.exec(text)?.[1] ?? "{}") as Record<
      string,
      number
    >;
    expect(inputTokens).toBeGreaterThan(0);
    await app.settled();
    return inputTokens! + 2 * outputTokens!;
  }

  /** Of today, over all isolates, once this one has sent what it knows. */
  async function spent(): Promise<number> {
    await app.stack.clock.advance(minuteMs);
    await app.fetch("/metrics", { headers });
    await app.settled();
    const text = await (await app.fetch("/metrics", { headers })).text();
    return Number(/^skipstone_spend_today_usd (\S+)$/m.exec(text)?.[1]);
  }

  it("is added up over the day, and opens an incident that is over with the day", async () => {
    const dayMs = 24 * 60 * minuteMs;
    // Begins behind midnight, so that the day is long enough.
    await app.stack.clock.advance(dayMs - (app.stack.clock.now() % dayMs) + minuteMs);
    expect(await spent()).toBe(0);
    const first = await chat("c1");
    expect(await spent()).toBeCloseTo(first, 6);
    const second = await chat("c2");
    expect(await spent()).toBeCloseTo(first + second, 6);
    await pass(6);
    expect(told).toMatchObject([
      { rule: "spendUsd", state: "opened", value: expect.closeTo(first + second, 6) as number },
    ]);
    await app.stack.clock.advance(dayMs - (app.stack.clock.now() % dayMs));
    expect(await spent()).toBe(0);
    await pass(6);
    expect(told.slice(1)).toMatchObject([{ rule: "spendUsd", state: "resolved" }]);
  });
});
