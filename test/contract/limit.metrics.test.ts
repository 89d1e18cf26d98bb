/** What operators see of the rate limiters: each decision of an isolate, and the sum of refusals over all of them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { operatorHeaders as headers } from "./ask-route.ts";

const dayMs = 24 * 60 * 60_000;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ time: "stack" });
});
afterAll(async () => {
  await app.close();
});

async function metrics(): Promise<(series: string) => number> {
  const text = await (await app.fetch("/metrics", { headers })).text();
  await app.settled();
  return (series) => Number(new RegExp(`^skipstone_${series} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
}

const decisions = (decision: string) =>
  `rate_limit_decisions_total\\{isolate="[^"]+",limiter="agent-creation",decision="${decision}"\\}`;

it("counts what was let through and what was refused, and sends refusals behind an answer, at most once a minute", async () => {
  // Begins behind midnight, so that the day is long enough.
  await app.stack.clock.advance(dayMs - (app.stack.clock.now() % dayMs) + 60_000);
  const user = await app.signIn();
  const before = await metrics();
  const statuses: number[] = [];
  // Enough to be refused also where a minute ends meanwhile.
  for (let count = 0; count < 2 * limits.agentCreationsPerWindow + 2; count += 1) {
    statuses.push((await user.fetch("/api/agents", { method: "POST", body: "{}" })).status);
  }
  const refused = statuses.filter((status) => status === 429).length;
  expect(refused).toBeGreaterThan(0);
  await app.settled();
  const at = await metrics();
  expect(at(decisions("refused"))).toBe(refused);
  expect(at(decisions("allowed"))).toBe(statuses.length - refused);

  await app.stack.clock.advance(60_000);
  // The first request behind the minute sends, once it is answered; the second finds it.
  await metrics();
  expect((await metrics())("rate_limited_today") - before("rate_limited_today")).toBe(refused);
  await app.stack.clock.advance(60_000);
  await metrics();
  expect((await metrics())("rate_limited_today") - before("rate_limited_today")).toBe(refused);
});
