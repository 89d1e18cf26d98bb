import { describe, expect, it } from "vitest";
import { createMeter } from "../../src/core/meter.ts";
import { countTokens, isSendingDue, tallyOf } from "../../src/core/tally.ts";
import type { Batch, RedisClient } from "../../src/upstash/batch.ts";
import { sendTally } from "../../src/upstash/ops-store.ts";

describe("the money that an isolate adds up", () => {
  it("is sent in whole millionths, and loses none of what costs less", async () => {
    const tally = tallyOf({}, 0);
    const sent: unknown[] = [];
    const batch = { add: async (command: unknown) => void sent.push(command) } as unknown as Batch;
    const redis = { run: async (build: (into: Batch) => void) => build(batch) } as unknown as RedisClient;
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
