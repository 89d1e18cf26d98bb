/** What may be asked of schedules, and what is refused. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import {
  act,
  dailyNote,
  dayMs,
  listOf,
  look,
  make,
  ranOf,
  remove,
  scheduleDefinitions,
  type View,
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

describe("a schedule that cannot be", () => {
  const good = dailyNote("x");
  const at = (when: unknown) => ({ ...good, when });
  const starting = (target: unknown) => ({ ...good, target });
  it.each<[string, unknown, number, RegExp]>([
    ["without a time", at({}), 400, /exactly one of cron, delay and at/],
    ["with two times", at({ cron: "* * * * *", delay: "1m" }), 400, /exactly one/],
    ["with a cron of four fields", at({ cron: "* * * *" }), 400, /must have five fields/],
    ["with a cron of seconds", at({ cron: "* * * * * *" }), 400, /must have five fields/],
    ["with a minute that is none", at({ cron: "60 * * * *" }), 400, /must be a cron/],
    ["that never fires", at({ cron: "0 0 30 2 *" }), 400, /no day fits/],
    ["in a time zone that does not exist", at({ cron: "* * * * *", timeZone: "Mars/Olympus" }), 400, /time zone/],
    ["with a cron that is too long", at({ cron: `${"1,".repeat(60)}1 * * * *` }), 400, /at most 100/],
    ["with a time zone for a delay", at({ delay: "1m", timeZone: "UTC" }), 400, /belongs to a cron/],
    ["with a delay that is none", at({ delay: "soon" }), 400, /duration/],
    ["with a delay below nothing", at({ delay: "-5m" }), 400, /duration/],
    ["in the past", at({ at: "2020-01-01T00:00:00Z" }), 400, /future/],
    ["at a time without a zone", at({ at: "2030-01-01T00:00:00" }), 400, /expected form/],
    ["beyond a year", at({ delay: "400d" }), 400, /within a year/],
    ["of an unknown run", starting({ kind: "saga", name: "unheard" }), 404, /no run named/],
    ["of an unknown version", starting({ kind: "saga", name: "note", version: 9, input: { text: "" } }), 404, /no run/],
    ["with an input that does not fit", starting({ kind: "saga", name: "note", input: { text: 7 } }), 400, /text/],
    ["of an unknown tool", starting({ kind: "tool", name: "unheard" }), 404, /no tool named/],
    ["with parameters that do not fit", starting({ kind: "tool", name: "calculator" }), 400, /expression/],
    ["of an agent that is not there", starting({ kind: "agent", agentId: "a", goal: "g" }), 404, /./],
    ["of nothing", starting({ kind: "poem" }), 400, /expected form/],
    ["with a field that is not known", { ...good, repeat: true }, 400, /not known/],
    ["with another overlap", { ...good, overlap: "maybe" }, 400, /skip, allow/],
  ])("%s is refused with a sentence", async (_case, body, status, words) => {
    const owner = await app.signIn();
    const response = await owner.post("/api/schedules", body);
    const { detail } = (await response.json()) as { detail: string };
    expect(response.status, detail).toBe(status);
    expect(detail).toMatch(words);
    expect(await listOf(owner)).toEqual([]);
  });

  it("with an input of a megabyte is refused", async () => {
    const owner = await app.signIn();
    const target = { kind: "saga", name: "note", input: { text: "x".repeat(1024 * 1024) } };
    expect((await owner.post("/api/schedules", starting(target))).status).toBe(413);
  });

  it("for it would be one too many is refused, until one is removed", async () => {
    const owner = await app.signIn();
    const all: View[] = [];
    for (let count = 0; count < limits.schedulesPerUserMax; count += 1) all.push(await make(owner, good));
    const refused = await owner.post("/api/schedules", good);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "too_many" });
    expect(await listOf(owner)).toHaveLength(limits.schedulesPerUserMax);
    await remove(owner, all[0]!);
    await make(owner, good);
  });

  it("for the queue does not answer leaves nothing behind", async () => {
    const owner = await app.signIn();
    app.stack.faults.add({ server: "qstash", match: "schedules", action: "status", status: 500, count: 4 });
    const response = await owner.post("/api/schedules", good);
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).not.toBeNull();
    app.stack.faults.clear();
    expect(await listOf(owner)).toEqual([]);
  });

  it("for there is no queue is refused in words", async () => {
    const plain = await startTestApp({ bindings: { QUEUE: "fetch" } });
    try {
      const owner = await plain.signIn();
      const response = await owner.post("/api/schedules", good);
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ code: "no_queue" });
    } finally {
      await plain.close();
    }
  });
});

describe("a schedule's request", () => {
  it("that is repeated with its key makes one schedule; another one under that key is refused", async () => {
    const owner = await app.signIn();
    const headers = { "Idempotency-Key": "k1" };
    const made = await make(owner, dailyNote("once"), { headers });
    expect((await make(owner, dailyNote("once"), { headers })).scheduleId).toBe(made.scheduleId);
    expect(await listOf(owner)).toHaveLength(1);
    const other = await owner.post("/api/schedules", dailyNote("other"), { headers });
    expect(other.status).toBe(409);
    const other2 = await app.signIn();
    expect((await make(other2, dailyNote("once"), { headers })).scheduleId).not.toBe(made.scheduleId);
  });

  it("of another user finds nothing", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("mine"));
    const other = await app.signIn();
    expect((await other.fetch(`/api/schedules/${made.scheduleId}`)).status).toBe(404);
    expect((await act(other, made, "pause")).status).toBe(404);
    expect(await remove(other, made)).toBe(404);
    expect(await look(owner, made)).toMatchObject({ state: "active" });
    expect((await app.fetch("/api/schedules")).status).toBe(401);
    await remove(owner, made);
  });

  it.each(["scd_1", "../runs", "%00", "scd_".padEnd(200, "0")])("with the id %s is answered with 404", async (id) => {
    const owner = await app.signIn();
    expect((await owner.fetch(`/api/schedules/${encodeURIComponent(id)}`)).status).toBe(404);
  });

  it("shows a schedule that the queue has lost, and a resume mends it", async () => {
    const owner = await app.signIn();
    const made = await make(owner, dailyNote("lost"));
    await fetch(`${app.stack.qstashUrl}/v2/schedules/${made.scheduleId}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${app.stack.qstashToken}` },
    });
    expect((await look(owner, made)).state).toBe("unarmed");
    expect(await (await act(owner, made, "resume")).json()).toMatchObject({ state: "active" });
    await pass(dayMs);
    expect(ranOf("lost")).toBe(1);
    await remove(owner, made);
  });
});
