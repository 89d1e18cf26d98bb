import { describe, expect, it } from "vitest";
import { createMeter } from "../../src/core/meter.ts";
import { countDecision, countRequest, countTokens, isSendingDue, tallyOf } from "../../src/core/tally.ts";
import type { Batch, RedisClient } from "../../src/upstash/batch.ts";
import { sendTally } from "../../src/upstash/ops-store.ts";

function recordingRedis() {
  const sent: unknown[] = [];
  const batch = { add: async (command: unknown) => void sent.push(command) } as unknown as Batch;
  const redis = { run: async (build: (into: Batch) => void) => build(batch) } as unknown as RedisClient;
  return { redis, sent };
}

describe("the money that an isolate adds up", () => {
  it("is sent in whole millionths, and loses none of what costs less", async () => {
    const tally = tallyOf({}, 0);
    const { redis, sent } = recordingRedis();
    const embed = (): void =>
      countTokens({ meter: createMeter(), tally }, { inputTokens: 20, outputTokens: 0 }, { input: 0.02, output: 0 });
    embed();
    embed();
    expect(isSendingDue(tally, 60_000)).toBe(false);
    embed();
    expect(isSendingDue(tally, 60_000)).toBe(true);
    await sendTally(redis, tally, 60_000);
    expect(sent[0]).toEqual(["INCRBY", expect.any(String), 1]);
    expect(tally.pendingMicroUsd).toBeCloseTo(0.2, 9);
    expect(tally.microUsd).toBeCloseTo(1.2, 9);
  });
});

describe("sums that do not arrive", () => {
  it("are sent with the next ones", async () => {
    const tally = tallyOf({}, 0);
    countDecision(tally, "api", "refused");
    countRequest(tally, { method: "GET", route: "/api/runs", status: 503 });
    const deaf = { run: () => Promise.reject(new Error("nobody answers")) } as unknown as RedisClient;
    await expect(sendTally(deaf, tally, 60_000)).rejects.toThrow("nobody answers");
    countRequest(tally, { method: "GET", route: "/api/runs", status: 500 });
    expect([isSendingDue(tally, 60_001), isSendingDue(tally, 65_000)]).toEqual([false, true]);
    const { redis, sent } = recordingRedis();
    await sendTally(redis, tally, 65_000);
    expect(sent.filter((command) => (command as unknown[])[0] === "INCRBY")).toEqual([
      ["INCRBY", "ops:failures:1", 2],
      ["INCRBY", "ops:refusals:1970-01-01", 1],
    ]);
  });
});

describe("the decisions of the limiters that an isolate counts", () => {
  it("cost nothing unless they are refusals, which are sent together after a minute, once", async () => {
    const tally = tallyOf({}, 0);
    countDecision(tally, "api", "allowed");
    countDecision(tally, "api", "uncounted");
    expect(isSendingDue(tally, 600_000)).toBe(false);
    countDecision(tally, "api", "refused");
    countDecision(tally, "chat", "refused");
    expect([isSendingDue(tally, 59_999), isSendingDue(tally, 60_000)]).toEqual([false, true]);
    const { redis, sent } = recordingRedis();
    await sendTally(redis, tally, 60_000);
    expect(sent).toEqual([
      ["INCRBY", "ops:refusals:1970-01-01", 2],
      ["EXPIRE", "ops:refusals:1970-01-01", 3 * 24 * 60 * 60],
    ]);
    expect(isSendingDue(tally, 600_000)).toBe(false);
    expect(Object.fromEntries(tally.decisions)).toEqual({
      '["api","allowed"]': 1,
      '["api","uncounted"]': 1,
      '["api","refused"]': 1,
      '["chat","refused"]': 1,
    });
  });
});
