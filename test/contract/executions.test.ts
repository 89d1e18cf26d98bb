/** What is known of queued calls, whatever comes in which order: X1 to X3, and what it costs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { Death, ExecutionRef, Executions, QueuedCall } from "../../src/tool/execution.ts";
import type { ToolFailure } from "../../src/tool/tool-failure.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { upstashExecutions } from "../../src/upstash/executions.ts";
import { deadExecutionsKey, executionKey } from "../../src/upstash/keys.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryExecutions } from "../fakes/memory-executions.ts";

let stack: RunningStack;
let redis: RedisClient;
beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
});
afterAll(() => stack.close());

const call: QueuedCall = { tool: "probe", digest: "d", queuedAtMs: 1_000, notBeforeMs: 1_000, retries: 3 };
const first = { messageId: "msg_1", retried: 0 };
const second = { messageId: "msg_1", retried: 1 };
const passing: ToolFailure = { kind: "failed", code: "unavailable", errorText: "down" };
const death: Death = { atMs: 9_000, status: 503, cause: "down", messageId: "msg_1", deadLetterId: "1-1" };

const clock = manualClock(5_000);
const subjects: [string, () => Executions][] = [
  ["in Redis", () => upstashExecutions(redis, clock)],
  ["in memory", () => memoryExecutions(clock)],
];

function refOf(): ExecutionRef {
  const id = crypto.randomUUID().replaceAll("-", "");
  return { userId: `usr_${id}`, executionId: `exe_${id}` };
}

describe.each(subjects)("an execution %s", (_name, open) => {
  const rig = () => ({ ref: refOf(), executions: open() });

  it("is the first of its id, whatever comes later", async () => {
    const { ref, executions } = rig();
    expect(await executions.open(ref, call)).toEqual({ digest: "d", status: "queued" });
    expect(await executions.open(ref, { ...call, digest: "other" })).toEqual({ digest: "d", status: "queued" });
    expect(await executions.begin(ref, { ...call, digest: "other" }, first)).toEqual({ kind: "foreign" });
    expect(await executions.read(ref)).toMatchObject({ ...call, status: "queued", attempts: 0 });
  });

  it("is made by its delivery where that comes before the record, and the record changes nothing then", async () => {
    const { ref, executions } = rig();
    expect(await executions.begin(ref, call, first)).toEqual({ kind: "begun" });
    expect(await executions.open(ref, call)).toEqual({ digest: "d", status: "running" });
    expect(await executions.read(ref)).toMatchObject({ ...call, status: "running", attempts: 1, startedAtMs: 5_000 });
  });

  it("counts an attempt once that is delivered twice", async () => {
    const { ref, executions } = rig();
    await executions.open(ref, call);
    for (const delivery of [first, first, second, second]) await executions.begin(ref, call, delivery);
    expect(await executions.read(ref)).toMatchObject({ attempts: 2 });
  });

  it("that has completed stays so, with its first result", async () => {
    const { ref, executions } = rig();
    await executions.begin(ref, call, first);
    await executions.end(ref, { kind: "completed", output: { at: "雪" } });
    await executions.end(ref, { kind: "completed", output: "later" });
    await executions.end(ref, { kind: "retrying", failure: passing });
    expect(await executions.bury(ref, death)).toBe(false);
    expect(await executions.begin(ref, call, second)).toEqual({ kind: "completed", output: { at: "雪" } });
    expect(await executions.read(ref)).toMatchObject({ status: "completed", attempts: 1, output: { at: "雪" } });
  });

  it("that is dead stays so when an attempt fails late, and lives by a late success or a new attempt", async () => {
    const { ref, executions } = rig();
    await executions.begin(ref, call, first);
    expect(await executions.bury(ref, death)).toBe(true);
    await executions.end(ref, { kind: "retrying", failure: passing });
    expect(await executions.read(ref)).toMatchObject({ status: "dead", death });
    // An attempt of the message that was given up, whose beginning comes late.
    expect(await executions.begin(ref, call, second)).toEqual({ kind: "begun" });
    expect(await executions.read(ref)).toMatchObject({ status: "dead", attempts: 2 });
    await executions.begin(ref, call, { messageId: "msg_2", retried: 0 });
    expect(await executions.read(ref)).toMatchObject({ status: "running", attempts: 3, messageId: "msg_2" });
    await executions.bury(ref, death);
    await executions.end(ref, { kind: "completed", output: 1 });
    expect(await executions.read(ref)).toMatchObject({ status: "completed" });
  });

  it("whose message died before it was noted is dead, and not running by an attempt of that message", async () => {
    const { ref, executions } = rig();
    expect(await executions.bury(ref, death)).toBe(false);
    expect(await executions.read(ref)).toBeUndefined();
    expect(await executions.open(ref, call)).toEqual({ digest: "d", status: "dead" });
    expect(await executions.begin(ref, call, second)).toEqual({ kind: "begun" });
    expect(await executions.read(ref)).toMatchObject({ ...call, status: "dead", messageId: "msg_1", attempts: 1 });
  });

  it("that nobody knows is neither ended nor buried", async () => {
    const { ref, executions } = rig();
    await executions.end(ref, { kind: "completed", output: 1 });
    expect(await executions.bury(ref, death)).toBe(false);
    expect(await executions.read(ref)).toBeUndefined();
  });
});

describe("an execution in Redis", () => {
  const rig = () => ({ ref: refOf(), executions: upstashExecutions(redis, clock) });

  it("costs what it says, and everything of it expires", async () => {
    const warm = rig();
    await warm.executions.open(warm.ref, call);
    await warm.executions.begin(warm.ref, call, first);
    await warm.executions.end(warm.ref, { kind: "retrying", failure: passing });
    await warm.executions.bury(warm.ref, death);
    const { ref, executions } = rig();
    expect(await billed(() => executions.open(ref, call))).toEqual({ commands: 4, roundTrips: 1 });
    expect(await billed(() => executions.open(ref, call))).toEqual({ commands: 2, roundTrips: 1 });
    expect(await billed(() => executions.begin(ref, call, first))).toEqual({ commands: 4, roundTrips: 1 });
    const early = rig();
    expect(await billed(() => early.executions.begin(early.ref, call, first))).toEqual({ commands: 5, roundTrips: 1 });
    const end = () => executions.end(ref, { kind: "failed", failure: passing });
    expect(await billed(end)).toEqual({ commands: 5, roundTrips: 1 });
    expect(await billed(() => executions.bury(ref, death))).toEqual({ commands: 8, roundTrips: 1 });
    expect(await billed(() => executions.read(ref))).toEqual({ commands: 2, roundTrips: 1 });
    for (const key of [
      executionKey(ref.userId, ref.executionId),
      executionKey(early.ref.userId, early.ref.executionId),
      deadExecutionsKey(ref.userId),
    ]) {
      const ttlSeconds = await redis.command(["TTL", key], Number);
      expect(ttlSeconds).toBeGreaterThan(limits.executionTtlSeconds - 60);
    }
  });
});

async function billed(run: () => Promise<unknown>) {
  stack.ledger.reset();
  await run();
  const { commands, roundTrips } = stack.ledger.read();
  return { commands, roundTrips };
}
