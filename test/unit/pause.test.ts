import { describe, expect, it } from "vitest";
import { pauseBy } from "../../src/system/pause.ts";

const startMs = 1_800_000_000_000;
const never = (): AbortSignal => new AbortController().signal;

/** A clock that says these times in turn, then the last of them. */
function clockThatSays(...offsets: number[]) {
  const said: number[] = [];
  return { said, now: () => said[said.push(startMs + (offsets.shift() ?? said.at(-1)! - startMs)) - 1]! };
}

describe("a pause", () => {
  it("is not over before the clock says so, though its timer fires early", async () => {
    const clock = clockThatSays(0, 4, 4, 5);
    await pauseBy(clock)(5, never());
    expect(clock.said.at(-1)).toBe(startMs + 5);
    expect(clock.said).toHaveLength(4);
  });

  it("is over though the clock was set back meanwhile", async () => {
    const clock = clockThatSays(0, -3_600_000);
    await pauseBy(clock)(5, never());
    expect(clock.said).toHaveLength(2);
  });

  it("rejects with the reason of its signal, before it begins and while it waits for the rest", async () => {
    const over = new AbortController();
    const why = new Error("over");
    let looks = 0;
    const stillClock = {
      now() {
        looks += 1;
        if (looks === 3) queueMicrotask(() => over.abort(why));
        return startMs;
      },
    };
    const pause = pauseBy(stillClock);
    const waiting = pause(1, over.signal);
    await expect(waiting).rejects.toBe(why);
    await expect(pause(0, over.signal)).rejects.toBe(why);
  });
});
