/** Schedules over the whole app, with real signed deliveries, on a clock that a test moves. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  act,
  dailyNote,
  dayMs,
  listOf,
  look,
  make,
  minuteMs,
  ranOf,
  remove,
  runsOf,
  scheduleDefinitions,
} from "../support/schedule-requests.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ definitions: scheduleDefinitions, time: "stack" });
});
afterAll(() => app.close());
afterEach(() => app.stack.faults.clear());

async function pass(ms: number): Promise<void> {
  await app.stack.clock.advance(ms);
  await app.settled();
}

describe("a daily schedule", () => {
  it("starts one run each day for three days, and the list says when it comes next", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("daily"));
    expect(made).toMatchObject({ state: "active", firings: [] });
    const face = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit" });
    expect(face.format(made.nextAt)).toBe("09:00");
    for (let day = 1; day <= 3; day += 1) {
      await pass(dayMs);
      expect(ranOf("daily")).toBe(day);
    }
    const [listed] = await listOf(owner);
    expect(listed).toMatchObject({ scheduleId: made.scheduleId, state: "active" });
    expect(listed!.firings.map(({ outcome }) => outcome)).toEqual(["started", "started", "started"]);
    expect(new Set(listed!.firings.map(({ runId }) => runId)).size).toBe(3);
    expect(listed!.nextAt).toBeGreaterThan(app.stack.clock.now());
    const runs = await runsOf(owner);
    expect(runs.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
    expect(await remove(owner, made)).toBe(204);
  });

  it("that is paused over a firing does not make up for it", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("paused"));
    await pass(dayMs);
    expect(await (await act(owner, made, "pause")).json()).toMatchObject({ state: "paused" });
    await pass(dayMs * 2);
    expect(ranOf("paused")).toBe(1);
    expect((await look(owner, made)).nextAt).toBeUndefined();
    expect(await (await act(owner, made, "resume")).json()).toMatchObject({ state: "active" });
    expect(ranOf("paused")).toBe(1);
    await pass(dayMs);
    expect(ranOf("paused")).toBe(2);
    await remove(owner, made);
  });

  it("that is removed fires no more, and is not there", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("removed"));
    expect(await remove(owner, made)).toBe(204);
    expect(await remove(owner, made)).toBe(404);
    await pass(dayMs);
    expect(ranOf("removed")).toBe(0);
    expect(await listOf(owner)).toEqual([]);
    expect((await owner.fetch(`/api/schedules/${made.scheduleId}`)).status).toBe(404);
    expect((await act(owner, made, "pause")).status).toBe(404);
  });

  it("whose firing is delivered twice starts one run", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("twice"));
    app.stack.faults.add({ server: "delivery", match: made.scheduleId, action: "duplicate" });
    await pass(dayMs);
    expect(ranOf("twice")).toBe(1);
    expect((await look(owner, made)).firings).toHaveLength(1);
    await remove(owner, made);
  });

  it("whose firing is answered by nobody is delivered again, and starts its run once", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("retried"));
    app.stack.faults.add({ server: "redis", match: made.scheduleId, action: "drop-after", count: 2 });
    await pass(dayMs);
    await pass(5 * minuteMs);
    expect(ranOf("retried")).toBe(1);
    await remove(owner, made);
  });

  it("skips a firing while its last run still goes, or starts another where that is allowed", async () => {
    const owner = await app.signIn();
    const target = { kind: "saga", name: "linger", input: { text: "x" } };
    const skipping = await make(owner, { ...dailyNote(""), target });
    const allowing = await make(owner, { ...dailyNote(""), target, overlap: "allow" });
    await pass(dayMs * 2);
    expect((await look(owner, skipping)).firings.map(({ outcome }) => outcome)).toEqual(["skipped", "started"]);
    expect((await look(owner, allowing)).firings.map(({ outcome }) => outcome)).toEqual(["started", "started"]);
    const [started] = (await look(owner, skipping)).firings.toReversed();
    await owner.post(`/api/runs/${started!.runId}/signal`, { name: "go" });
    await app.settled();
    await pass(dayMs);
    expect((await look(owner, skipping)).firings[0]?.outcome).toBe("started");
    for (const made of [skipping, allowing]) await remove(owner, made);
  });
});

describe("a schedule for one time", () => {
  it("fires after its delay and is gone; its run stays", async () => {
    const owner = await app.signIn();
    const made = await make(owner, { ...dailyNote("later"), when: { delay: "2h" } });
    expect(made.when.at).toBe(app.stack.clock.now() + 120 * minuteMs);
    await pass(119 * minuteMs);
    expect(ranOf("later")).toBe(0);
    await pass(2 * minuteMs);
    expect(ranOf("later")).toBe(1);
    expect(await listOf(owner)).toEqual([]);
    expect(await runsOf(owner)).toHaveLength(1);
  });

  it("fires at a time beyond the longest delay of the queue", async () => {
    const owner = await app.signIn();
    const at = new Date(app.stack.clock.now() + 20 * dayMs).toISOString();
    const made = await make(owner, { ...dailyNote("far"), when: { at } });
    await pass(19 * dayMs);
    expect(await look(owner, made)).toMatchObject({ state: "active", nextAt: Date.parse(at), firings: [] });
    await pass(dayMs + 2_000);
    expect(ranOf("far")).toBe(1);
  });

  it("that is paused over its time is missed", async () => {
    const owner = await app.signIn();
    const made = await make(owner, { ...dailyNote("missed"), when: { delay: "1h" } });
    await act(owner, made, "pause");
    await pass(61 * minuteMs);
    expect(await look(owner, made)).toMatchObject({ state: "missed" });
    expect((await act(owner, made, "resume")).status).toBe(409);
    expect(ranOf("missed")).toBe(0);
  });
});

describe("a scheduled tool", () => {
  it("runs, and its answer is the output of its run", async () => {
    const owner = await app.signIn();
    const target = { kind: "tool", name: "calculator", parameters: { expression: "6*7" } };
    await make(owner, { when: { delay: "1m" }, target });
    await pass(2 * minuteMs);
    const [run] = await runsOf(owner);
    expect(run).toMatchObject({ definition: "run-tool", status: "completed" });
    const whole = (await (await owner.fetch(`/api/runs/${run!.runId}`)).json()) as { output: unknown };
    expect(JSON.stringify(whole.output)).toContain("42");
  });

  it("that fails fails its run in words", async () => {
    const owner = await app.signIn();
    const target = { kind: "tool", name: "calculator", parameters: { expression: "1/0" } };
    await make(owner, { when: { delay: "1m" }, target });
    await pass(2 * minuteMs);
    const [run] = await runsOf(owner);
    expect(run).toMatchObject({ status: "failed", failure: { code: "tool_failed" } });
  });

  it("is no run that anybody could start by its name", async () => {
    const owner = await app.signIn();
    const response = await owner.post("/api/execute", { name: "run-tool", input: { name: "calculator" } });
    expect(response.status).toBe(404);
    const target = { kind: "saga", name: "run-tool", input: { name: "calculator", parameters: {} } };
    expect((await owner.post("/api/schedules", { when: { delay: "1m" }, target })).status).toBe(404);
  });
});

describe("a scheduled agent", () => {
  it("runs as it is at that time", async () => {
    const owner = await app.signIn();
    const { id } = (await (await owner.post("/api/agents", { name: "Helper", shape: "loop" })).json()) as {
      id: string;
    };
    const target = { kind: "agent", agentId: id, goal: "Say hello", conversationId: "c1" };
    await make(owner, { when: { delay: "1h" }, target });
    app.stack.model.script({ kind: "reply", text: "Hello at last.", times: 1 });
    await pass(61 * minuteMs);
    const [run] = await runsOf(owner);
    expect(run).toMatchObject({ definition: "agent-run", status: "completed", conversationId: "c1" });
    const { messages } = (await (await owner.fetch("/api/conversations/c1/messages")).json()) as {
      messages: unknown[];
    };
    expect(JSON.stringify(messages)).toContain("Hello at last.");
  });

  it("that was deleted meanwhile is refused, and the schedule says why", async () => {
    const owner = await app.signIn();
    const { id } = (await (await owner.post("/api/agents", { name: "Helper" })).json()) as { id: string };
    const made = await make(owner, { ...dailyNote(""), target: { kind: "agent", agentId: id, goal: "x" } });
    await owner.fetch(`/api/agents/${id}`, { method: "DELETE" });
    await pass(dayMs);
    expect(await look(owner, made)).toMatchObject({
      firings: [{ outcome: "refused", reason: "There is no such agent any more." }],
    });
    expect(await runsOf(owner)).toEqual([]);
    await remove(owner, made);
  });
});

describe("a firing", () => {
  const body = JSON.stringify({ userId: `usr_${"0".repeat(32)}`, scheduleId: `scd_${"0".repeat(32)}` });
  const fire = (headers: Record<string, string>, text = body): Promise<Response> =>
    app.fetch("/api/engine/fire-schedule", { method: "POST", body: text, headers });

  it("that the queue has not signed is refused", async () => {
    expect((await fire({ "Upstash-Message-Id": "m" })).status).toBe(401);
    expect((await fire({ "Upstash-Message-Id": "m", "Upstash-Signature": "x.y.z" })).status).toBe(401);
  });

  it("of a schedule that is not there is done; one that cannot be read is never tried again", async () => {
    const key = { "X-Internal-Key": "local-development-internal-key-which-is-public" };
    expect(await (await fire({ ...key, "Upstash-Message-Id": "m" })).json()).toEqual({ outcome: "gone" });
    for (const text of ["{", "{}", '{"userId":"x","scheduleId":"y"}']) {
      const response = await fire({ ...key, "Upstash-Message-Id": "m" }, text);
      expect(response.status).toBe(489);
      expect(response.headers.get("Upstash-NonRetryable-Error")).toBe("true");
    }
    expect((await fire(key)).status).toBe(489);
  });
});
