/** Alerts and metrics over the real app: rules are checked by the sweep, and a webhook is told through QStash. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { alertLookCommands } from "../../scripts/doctor/forecast.ts";
import { isAlertMinute } from "../../src/ops/check-alerts.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import { redisCommand, runClient } from "../support/run-client.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

interface Notice {
  readonly incident: string;
  readonly rule: string;
  readonly state: string;
  readonly value: number;
}

const defect = defineRun({
  name: "defect",
  version: 1,
  input: z.object({}),
  run: () => Promise.reject(new TypeError("a defect of ours")),
});

const minuteMs = 60_000;
const operator = { "x-internal-key": "local-development-internal-key-which-is-public" };
let app: TestApp;
let webhook: Server;
const told: Notice[] = [];
beforeAll(async () => {
  webhook = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      told.push(JSON.parse(body) as Notice);
      response.end();
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));
  const { port } = webhook.address() as AddressInfo;
  app = await startTestApp({
    definitions: [defect, waitForGo],
    time: "stack",
    bindings: {
      ALERT_WEBHOOK_URL: `http://127.0.0.1:${port}/alerts`,
      EGRESS_ALLOWED_HOSTS: `127.0.0.1:${port}`,
      ALERT_THRESHOLDS: '{"parkedRuns":1,"failures":3}',
    },
  });
});
afterAll(async () => {
  await app.close();
  await new Promise((resolve) => webhook.close(resolve));
});

/** Minutes of the stack's time, each with its sweep. */
async function pass(minutes: number, swept = app): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await swept.stack.clock.advance(minuteMs);
    await swept.sweep();
    await swept.settled();
  }
}

const takeTold = (): Notice[] => told.splice(0);
const metrics = async (): Promise<string> => (await app.fetch("/metrics", { headers: operator })).text();

describe("an incident", () => {
  it("is told of once when it opens and once when it is over, though QStash is down in between", async () => {
    const runs = runClient(await app.signIn());
    await pass(6);
    expect(takeTold()).toEqual([]);
    const runId = await runs.start("defect");
    await app.settled();
    expect(await metrics()).toContain("skipstone_runs_parked 1\n");
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    await pass(6);
    expect(takeTold()).toEqual([]);
    app.stack.faults.clear();
    await pass(12);
    const opened = takeTold();
    expect(opened).toMatchObject([{ rule: "parkedRuns", state: "opened", value: 1 }]);
    expect(await runs.act(runId, "cancel", { compensate: false })).toBe(202);
    await pass(12);
    const { incident } = opened[0]!;
    expect(takeTold()).toMatchObject([{ rule: "parkedRuns", state: "resolved", value: 0, incident }]);
  });

  it("opens also while the sweep can send for no run", async () => {
    const runs = runClient(await app.signIn());
    const waiting = await runs.start("wait-for-go");
    const parked = await runs.start("defect");
    await app.settled();
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    expect(await runs.act(waiting, "signal", { name: "go" })).toBe(503);
    const before = app.logLines.length;
    await pass(6);
    const lines = app.logLines.slice(before).map((line) => (JSON.parse(line) as { message: string }).message);
    expect(lines).toContain("the sweep failed");
    expect(lines).toContain("alert");
    app.stack.faults.clear();
    await pass(12);
    expect(takeTold()).toMatchObject([{ rule: "parkedRuns", state: "opened" }]);
    expect((await runs.view(waiting)).status).toBe("completed");
    expect(await runs.act(parked, "cancel", { compensate: false })).toBe(202);
    await pass(12);
    expect(takeTold()).toMatchObject([{ rule: "parkedRuns", state: "resolved" }]);
  });

  it("opens when requests fail, and is over ten minutes after the last", async () => {
    const who = await app.signIn();
    // On both sides of a look, and one of them just behind it: the next look, five minutes later, sees them all.
    const nowMs = app.stack.clock.now();
    await app.stack.clock.advance(5 * minuteMs - (nowMs % (5 * minuteMs)) - 9_000);
    app.stack.faults.add({ server: "redis", action: "status", status: 500, match: "EVALSHA" });
    for (let count = 0; count < 4; count += 1) {
      expect((await who.fetch("/api/conversations")).status).toBe(503);
      await app.background();
      await app.stack.clock.advance(6_000);
    }
    app.stack.faults.clear();
    await pass(6);
    expect(takeTold()).toMatchObject([{ rule: "failures", state: "opened" }]);
    await pass(16);
    expect(takeTold()).toMatchObject([{ rule: "failures", state: "resolved" }]);
  });

  it("is told to no address that is not public, and to the same one once it is allowed", async () => {
    const runs = runClient(await app.signIn());
    const allowed = `127.0.0.1:${(webhook.address() as AddressInfo).port}`;
    app.rebind({ EGRESS_ALLOWED_HOSTS: "" });
    const runId = await runs.start("defect");
    await app.settled();
    await pass(12);
    expect(takeTold()).toEqual([]);
    app.rebind({ EGRESS_ALLOWED_HOSTS: allowed });
    await pass(6);
    expect(takeTold()).toMatchObject([{ rule: "parkedRuns", state: "opened" }]);
    expect(await runs.act(runId, "cancel", { compensate: false })).toBe(202);
    await pass(12);
    expect(takeTold()).toMatchObject([{ rule: "parkedRuns", state: "resolved" }]);
  });
});

it("a look costs the commands that the doctor's forecast counts, in one round trip", async () => {
  const costOfSweep = async () => {
    app.stack.ledger.reset();
    await app.sweep();
    await app.settled();
    return app.stack.ledger.read();
  };
  const next = async (isLook: boolean): Promise<void> => {
    do await pass(1);
    while (isAlertMinute(app.stack.clock.now()) !== isLook);
  };
  await next(false);
  const without = await costOfSweep();
  await next(true);
  const look = await costOfSweep();
  expect(look.commands - without.commands).toBe(alertLookCommands);
  expect(look.roundTrips - without.roundTrips).toBe(1);
});

describe("a webhook that must not be reached", () => {
  let refusing: TestApp;
  const logged = (message: string): string[] =>
    refusing.logLines.filter((line) => (JSON.parse(line) as { message: string }).message === message);
  beforeAll(async () => {
    refusing = await startTestApp({
      definitions: [defect],
      time: "stack",
      bindings: {
        ALERT_WEBHOOK_URL: "http://169.254.169.254/latest/meta-data/",
        ALERT_THRESHOLDS: '{"parkedRuns":1,"failures":1}',
      },
    });
  });
  afterAll(() => refusing.close());

  it("is asked for nothing, and each of two incidents is kept and logged all the same", async () => {
    const who = await refusing.signIn();
    await runClient(who).start("defect");
    // Its segment, too, runs scripts, and the fault is for one.
    await refusing.settled();
    refusing.stack.faults.add({ server: "redis", action: "status", status: 500, match: "EVALSHA", count: 1 });
    expect((await who.fetch("/api/conversations")).status).toBe(503);
    await refusing.settled();
    await pass(10, refusing);
    expect(logged("alert").map((line) => (JSON.parse(line) as { rule: string }).rule)).toEqual([
      "parkedRuns",
      "failures",
    ]);
    expect(logged("the sweep failed")).toEqual([]);
    // Two looks, of two incidents each.
    const failures = logged("an alert could not be told; the next look tries again");
    expect(failures).toHaveLength(4);
    expect(failures[0]).toContain("is not a public address");
    expect(await redisCommand(refusing.stack, ["HLEN", "ops:incidents"])).toBe(2);
    expect(refusing.stack.traffic.list({ server: "qstash" }).filter(({ method }) => method === "POST")).toEqual([]);
    expect(refusing.stack.ledger.read().messages).toBe(0);
  });
});

describe("an incident that is kept and cannot be read", () => {
  it.each(["{", "null", '{"openedAt":"now"}', '"word"'])(
    "(%s) counts as none, and keeps no other from its end",
    async (text) => {
      await redisCommand(app.stack, ["HSET", "ops:incidents", "failures", text]);
      const parked = { openedAt: app.stack.clock.now(), value: 1, isTold: true };
      await redisCommand(app.stack, ["HSET", "ops:incidents", "parkedRuns", JSON.stringify(parked)]);
      await pass(5);
      expect(takeTold()).toMatchObject([{ rule: "parkedRuns", state: "resolved" }]);
      expect(app.logLines.some((line) => line.includes("an incident that is kept cannot be read"))).toBe(true);
      await redisCommand(app.stack, ["DEL", "ops:incidents"]);
    },
  );
});

describe("metrics", () => {
  it("are for operators, by header or as a bearer token", async () => {
    expect((await app.fetch("/metrics")).status).toBe(401);
    expect((await app.fetch("/metrics", { headers: { "x-internal-key": "guess" } })).status).toBe(401);
    const bearer = { authorization: `Bearer ${operator["x-internal-key"]}` };
    const response = await app.fetch("/metrics", { headers: bearer });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("version=0.0.4");
    const lines = (await response.text()).trim().split("\n");
    for (const line of lines)
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) skipstone_\w+ .+|skipstone_\w+(?:\{[^{}]*\})? -?[\d.e+]+)$/);
  });

  it("count requests by route and status, without ids, and what the model used", async () => {
    const who = await app.signIn();
    await (await who.chat("c-4711", "m1", "hi")).text();
    await app.background();
    const text = await metrics();
    expect(text).toMatch(
      /skipstone_requests_total\{isolate="[^"]+",method="POST",route="\/api\/chat",status="2xx"\} [1-9]/,
    );
    expect(text).toMatch(/skipstone_model_output_tokens_total\{isolate="[^"]+"\} [1-9]/);
    expect(text).not.toContain("c-4711");
  });

  it("count what Redis is asked, as it bills it, and what it does not answer", async () => {
    const redis = async () => {
      const text = await metrics();
      const of = (name: string) =>
        Number(new RegExp(`^skipstone_redis_${name}_total\\{.+\\} (.+)$`, "m").exec(text)?.[1]);
      const { commands, roundTrips } = app.stack.ledger.read();
      const ours = { commands: of("commands"), roundTrips: of("round_trips") };
      return { ours, billed: { commands, roundTrips }, failed: of("failed_round_trips"), waited: of("wait_seconds") };
    };
    const before = await redis();
    const who = await app.signIn();
    await (await who.chat("c-4712", "m1", "hi")).text();
    await app.background();
    const after = await redis();
    for (const name of ["commands", "roundTrips"] as const)
      expect(after.ours[name] - before.ours[name]).toBe(after.billed[name] - before.billed[name]);
    expect(after.failed).toBe(before.failed);
    expect(after.waited).toBeGreaterThanOrEqual(before.waited);
    app.stack.faults.add({ server: "redis", action: "status", status: 503 });
    expect((await who.fetch("/api/conversations")).status).toBe(503);
    app.stack.faults.clear();
    expect((await redis()).failed).toBe(after.failed + 1);
  });

  it("cost seven commands in one round trip", async () => {
    app.stack.ledger.reset();
    await metrics();
    expect(app.stack.ledger.read()).toMatchObject({ commands: 7, roundTrips: 1 });
  });
});
