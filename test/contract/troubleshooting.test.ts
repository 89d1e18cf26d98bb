/** docs/troubleshooting.md: a run that does not resume after a checkpoint, and what brings it on; a queue that is not configured in production. */
import * as z from "zod/mini";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { appBindings, LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import { runClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

const hourMs = 60 * 60 * 1_000;

const nap = defineRun({
  name: "nap",
  version: 1,
  input: z.object({}),
  async run(ctx: RunContext<RunServices>) {
    const before = await ctx.step("before", () => "slept");
    await ctx.sleep("nap", hourMs);
    return ctx.step("after", () => before);
  },
});

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ definitions: [nap], time: "stack" });
});
afterAll(() => app.close());

it("a run whose message does not reach the app stands still after its checkpoint; the guide's command brings it on", async () => {
  const runs = runClient(await app.signIn());
  const runId = await runs.start("nap", {});
  await app.settled();
  const atCheckpoint = await runs.view(runId);
  expect(atCheckpoint).toMatchObject({ status: "waiting", steps: 1 });
  app.stack.faults.add({ server: "delivery", action: "status", status: 502 });
  await app.stack.clock.advance(48 * hourMs);
  await app.settled();
  expect(await runs.view(runId)).toEqual(atCheckpoint);
  // Who looks at a run sends for it: that message is lost, too.
  await app.settled();

  app.stack.faults.clear();
  const refused = await app.fetch("/api/engine/resume", { method: "POST", headers: { "X-Internal-Key": "wrong" } });
  expect(refused.status).toBe(401);
  const headers = { "X-Internal-Key": LOCAL_INTERNAL_KEY };
  const swept = await app.fetch("/api/engine/resume", { method: "POST", headers });
  expect(await swept.json()).toMatchObject({ runs: { triggered: 1 } });
  await app.settled();
  expect(await runs.view(runId)).toMatchObject({ status: "completed", output: "slept" });
});

it("in production an app without QSTASH_TOKEN does not serve: /ready answers misconfigured, and the log names the variable", async () => {
  const before = app.logLines.length;
  app.rebind({ ENVIRONMENT: "production", QSTASH_TOKEN: "" });
  const ready = await app.fetch("/ready");
  app.rebind(appBindings(app.stack, app.url));
  expect(ready.status).toBe(500);
  const problem = await ready.text();
  expect(JSON.parse(problem)).toMatchObject({ code: "misconfigured" });
  expect(problem).not.toContain("QSTASH_TOKEN");
  expect(app.logLines.slice(before).join("\n")).toContain("QSTASH_TOKEN is not set");
  expect((await app.fetch("/ready")).status).toBe(200);
});
