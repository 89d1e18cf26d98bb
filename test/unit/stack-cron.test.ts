import { describe, expect, it, onTestFinished } from "vitest";
import { createStackClock } from "../../stack/clock.ts";
import { startCron } from "../../stack/cron.ts";
import { settle } from "../fakes/clock.ts";

const minuteMs = 60_000;

function rig() {
  const clock = createStackClock();
  clock.freeze();
  const calls: { atMs: number; end(): void; fail(): void }[] = [];
  const stop = startCron(clock, () => {
    const call = Promise.withResolvers<void>();
    calls.push({ atMs: clock.now(), end: call.resolve, fail: () => call.reject(new Error("the app is down")) });
    return call.promise;
  });
  onTestFinished(() => {
    stop();
    clock.close();
  });
  return { clock, calls, stop };
}

describe("the cron of the stack", () => {
  it("calls at each full minute of the stack's clock", async () => {
    const { clock, calls } = rig();
    const firstMs = (Math.floor(clock.now() / minuteMs) + 1) * minuteMs;
    await clock.advance(firstMs - clock.now() - 1);
    expect(calls).toEqual([]);
    for (const minute of [0, 1, 2]) {
      await clock.advance(minute === 0 ? 1 : minuteMs);
      expect(calls.map(({ atMs }) => atMs)).toHaveLength(minute + 1);
      expect(calls[minute]?.atMs).toBe(firstMs + minute * minuteMs);
      calls[minute]?.end();
      await settle();
    }
  });

  it("has one more call follow the one under way, however many minutes have come meanwhile", async () => {
    const { clock, calls } = rig();
    await clock.advance(3 * 24 * 60 * minuteMs);
    expect(calls).toHaveLength(1);
    calls[0]?.end();
    await settle();
    expect(calls).toHaveLength(2);
    expect(calls[1]?.atMs).toBe(clock.now());
    calls[1]?.end();
    await settle();
    expect(calls).toHaveLength(2);
  });

  it("goes on after a call that failed", async () => {
    const { clock, calls } = rig();
    await clock.advance(minuteMs);
    calls[0]?.fail();
    await settle();
    await clock.advance(minuteMs);
    expect(calls).toHaveLength(2);
  });

  it("makes no call once it is ended, not even the one that was to follow", async () => {
    const { clock, calls, stop } = rig();
    await clock.advance(2 * minuteMs);
    stop();
    calls[0]?.end();
    await settle();
    await clock.advance(minuteMs);
    expect(calls).toHaveLength(1);
  });
});
