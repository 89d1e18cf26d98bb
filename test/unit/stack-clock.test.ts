import { afterEach, describe, expect, it } from "vitest";
import { createStackClock, type StackClock } from "../../stack/clock.ts";

const clocks: StackClock[] = [];

function frozenClock(): { clock: StackClock; startMs: number } {
  const clock = createStackClock();
  clocks.push(clock);
  clock.freeze();
  return { clock, startMs: clock.now() };
}

afterEach(() => {
  for (const clock of clocks.splice(0)) clock.close();
});

describe("a frozen clock", () => {
  it("stands still until it is advanced, and then stands at the new time", async () => {
    const { clock, startMs } = frozenClock();
    await clock.advance(1_500);
    expect(clock.now()).toBe(startMs + 1_500);
    expect(clock.isFrozen()).toBe(true);
  });

  it("fires what is due in order of time, ties in order of scheduling, and shows each task its own time", async () => {
    const { clock, startMs } = frozenClock();
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.now() - startMs}`);
    clock.schedule(startMs + 20, note("c"));
    clock.schedule(startMs + 10, note("a"));
    clock.schedule(startMs + 10, note("b"));
    clock.schedule(startMs + 31, note("late"));
    await clock.advance(30);
    expect(seen).toEqual(["a@10", "b@10", "c@20"]);
  });

  it("fires ten thousand tasks in order, and none of another ten thousand that were cancelled", async () => {
    const { clock, startMs } = frozenClock();
    const seen: number[] = [];
    // A step that is prime to the length visits each time once, in no order.
    const times = Array.from({ length: 20_000 }, (_, index) => (index * 7_919) % 20_000);
    const cancels = times.map((ms) => clock.schedule(startMs + ms, () => void seen.push(ms)));
    for (const [index, cancel] of cancels.entries()) if ((times[index] ?? 0) % 2 === 1) cancel();
    await clock.advance(20_000);
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, index) => index * 2));
  });

  it("awaits each task and fires the tasks that it scheduled inside the same advance", async () => {
    const { clock, startMs } = frozenClock();
    const seen: number[] = [];
    const retry = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(clock.now() - startMs);
      clock.schedule(clock.now() + 100, retry);
    };
    clock.schedule(startMs + 100, retry);
    await clock.advance(350);
    expect(seen).toEqual([100, 200, 300]);
  });

  it("fires a task of two days after two days and not a millisecond earlier", async () => {
    const { clock, startMs } = frozenClock();
    const twoDaysMs = 172_800_000;
    let fired = 0;
    clock.schedule(startMs + twoDaysMs, () => void (fired += 1));
    await clock.advance(twoDaysMs - 1);
    expect(fired).toBe(0);
    await clock.advance(1);
    expect(fired).toBe(1);
  });

  it("starts a task that is already due without an advance", async () => {
    const { clock, startMs } = frozenClock();
    await new Promise<void>((resolve) => void clock.schedule(startMs, resolve));
    expect(clock.now()).toBe(startMs);
  });

  it("does not advance past a task that began before the advance and is still at work", async () => {
    const { clock, startMs } = frozenClock();
    const begun = Promise.withResolvers<void>();
    const seen: number[] = [];
    clock.schedule(startMs, async () => {
      begun.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      clock.schedule(clock.now() + 10, () => void seen.push(clock.now() - startMs));
    });
    await begun.promise;
    await clock.advance(50);
    expect(seen).toEqual([10]);
  });

  it("never fires a cancelled task", async () => {
    const { clock, startMs } = frozenClock();
    let fired = 0;
    const cancel = clock.schedule(startMs + 5, () => void (fired += 1));
    cancel();
    await clock.advance(10);
    expect(fired).toBe(0);
  });

  it("runs the remaining tasks when one throws, and reports the error at the end", async () => {
    const { clock, startMs } = frozenClock();
    let fired = 0;
    clock.schedule(startMs + 1, () => {
      throw new Error("first");
    });
    clock.schedule(startMs + 2, () => void (fired += 1));
    await expect(clock.advance(5)).rejects.toThrow(AggregateError);
    expect(fired).toBe(1);
  });

  it("runs overlapping advances one after the other", async () => {
    const { clock, startMs } = frozenClock();
    await Promise.all([clock.advance(10), clock.advance(20)]);
    expect(clock.now()).toBe(startMs + 30);
  });

  it("fires what became due when it is released to real time", async () => {
    const { clock, startMs } = frozenClock();
    const fired = new Promise<void>((resolve) => void clock.schedule(startMs + 1, resolve));
    clock.release();
    await fired;
    expect(clock.isFrozen()).toBe(false);
  });
});

describe("a running clock", () => {
  it("refuses to be advanced, to go backwards and to take a time that is not a number", async () => {
    const clock = createStackClock();
    clocks.push(clock);
    await expect(clock.advance(1)).rejects.toThrow("frozen");
    clock.freeze();
    await expect(clock.advance(-1)).rejects.toThrow("forward");
    expect(() => clock.schedule(Number.NaN, () => {})).toThrow("finite");
  });

  it("fires in real time, and drops everything on close", async () => {
    const clock = createStackClock();
    clocks.push(clock);
    let dropped = 0;
    clock.schedule(clock.now() + 15, () => void (dropped += 1));
    await new Promise<void>((resolve) => void clock.schedule(clock.now() + 5, resolve));
    clock.close();
    clock.schedule(clock.now(), () => void (dropped += 1));
    const other = createStackClock();
    clocks.push(other);
    await new Promise<void>((resolve) => void other.schedule(other.now() + 20, resolve));
    expect(dropped).toBe(0);
  });
});
