/** The Worker of `npm start` is looked at, and replaced when it no longer answers. */
import { describe, expect, it } from "vitest";
import type { GuardedProcess } from "../../stack/guarded-process.ts";
import { startLasting } from "../../stack/lasting-process.ts";
import { watchHealth } from "../../stack/watch-health.ts";

type Answer = "well" | "ill" | "thrown";

/** Looks until the answers are used up. @returns the number of looks before each loss. */
async function lossesOf(answers: readonly Answer[], onLost: () => Promise<void> = async () => {}): Promise<number[]> {
  const losses: number[] = [];
  const done = Promise.withResolvers<void>();
  let looks = 0;
  const stop = watchHealth({
    failuresMax: 3,
    pause: async () => {
      if (looks === answers.length) done.resolve();
    },
    async isHealthy() {
      const answer = answers[looks];
      if (answer === undefined) return new Promise(() => {});
      looks += 1;
      if (answer === "thrown") throw new Error("no answer");
      return answer === "well";
    },
    async onLost() {
      losses.push(looks);
      await onLost();
    },
  });
  await done.promise;
  stop();
  return losses;
}

describe("a watch", () => {
  it("says that something is lost after as many failures in a row as it was told, whatever they are", async () => {
    expect(await lossesOf(["well", "ill", "thrown"])).toEqual([]);
    expect(await lossesOf(["well", "ill", "thrown", "ill"])).toEqual([4]);
  });

  it("counts anew after an answer, and after a loss, also one that could not be mended", async () => {
    expect(await lossesOf(["ill", "ill", "well", "ill", "ill"])).toEqual([]);
    const ill: Answer[] = ["ill", "ill", "ill", "ill", "ill", "ill"];
    expect(await lossesOf(ill, () => Promise.reject(new Error("no port")))).toEqual([3, 6]);
  });

  it("says nothing once it has ended", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<boolean>();
    let losses = 0;
    const stop = watchHealth({
      failuresMax: 1,
      pause: async () => {},
      isHealthy() {
        asked.resolve();
        return answer.promise;
      },
      onLost: async () => void (losses += 1),
    });
    await asked.promise;
    stop();
    answer.resolve(false);
    await new Promise(setImmediate);
    expect(losses).toBe(0);
  });
});

/** Processes that end when they are told to, or by themselves. */
function processes() {
  const ends: ((code: number | null) => void)[] = [];
  const events: string[] = [];
  function start(): GuardedProcess {
    const number = ends.length + 1;
    const { promise: exited, resolve } = Promise.withResolvers<number | null>();
    let isGone = false;
    events.push(`start ${number}`);
    ends.push((code) => {
      isGone = true;
      events.push(`end ${number}`);
      resolve(code);
    });
    return {
      exited,
      hasExited: () => isGone,
      async stop() {
        if (!isGone) ends[number - 1]!(null);
        await exited;
      },
    };
  }
  return { ends, events, start };
}

describe("a lasting process", () => {
  it("is replaced by the next once it is gone, which is no end", async () => {
    const { events, start } = processes();
    const lasting = startLasting(start);
    await Promise.all([lasting.replace(), lasting.replace()]);
    expect(events).toEqual(["start 1", "end 1", "start 2"]);
    expect(lasting.hasExited()).toBe(false);
    expect(await Promise.race([lasting.exited, Promise.resolve("runs")])).toBe("runs");
  });

  it("has ended when the last of them ended by itself", async () => {
    const { ends, start } = processes();
    const lasting = startLasting(start);
    await lasting.replace();
    ends[1]!(7);
    expect(await lasting.exited).toBe(7);
    expect(lasting.hasExited()).toBe(true);
  });

  it("that is stopped while it is replaced is stopped for good", async () => {
    const { events, start } = processes();
    const lasting = startLasting(start);
    const replaced = lasting.replace();
    await lasting.stop();
    await replaced;
    await lasting.replace();
    expect(events).toEqual(["start 1", "end 1"]);
    expect(await lasting.exited).toBe(null);
  });
});
