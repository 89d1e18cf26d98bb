/** I4: a run does not end before the steps that its code asked for, also those that nobody awaits; a wait that nobody awaits keeps it from nothing. */
import { describe, expect, it } from "vitest";
import { NonRetryableError, RunFailed } from "../../src/engine/failures.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { viewRun } from "../../src/engine/run-view.ts";
import { fates, planned } from "../simulation/director.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf, type PlayContext } from "../support/play-run.ts";

/** A step that fails once, and is tried again after so long. */
function failsOnce(ctx: PlayContext, what: string, backoff: "100ms" | "3s" | "1h"): Promise<null> {
  return ctx.step(
    what,
    (step) => {
      if (ctx.services.isAmongFirst(what, 1)) throw new Error("not now");
      return ctx.services.act(what, step);
    },
    { backoff, compensate: (_result, step) => ctx.services.act(`undo ${what}`, step) },
  );
}

const act = (ctx: PlayContext, what: string): Promise<null> => ctx.step(what, (step) => ctx.services.act(what, step));
const bad = (ctx: PlayContext): Promise<never> =>
  ctx.step<never>("bad", () => Promise.reject(new NonRetryableError("bad")));

describe("a step that is not awaited", () => {
  it.each(["100ms", "3s", "1h"] as const)(
    "is tried again after %s, and the run ends when it is done",
    async (backoff) => {
      const runs = runOf(async (ctx) => {
        void failsOnce(ctx, "notify", backoff);
        await act(ctx, "work");
        return "done";
      });
      await everyWay({ definitions: [runs] }, ({ state, did }) => {
        expect(state).toMatchObject({ status: "completed", output: "done" });
        expect(did.toSorted()).toEqual(["notify", "work"]);
      });
    },
  );

  it("is done also where there are more of them than one segment does, or than run at once", async () => {
    const all = Array.from({ length: 40 }, (_, index) => `u${index}`);
    const runs = runOf(async (ctx) => {
      for (const what of all) void act(ctx, what);
      return "done";
    });
    for (const cut of [0, 3, 17]) {
      let count = 0;
      const director = planned(() => ((count += 1) === cut ? fates.killAfter : undefined));
      const { state, did } = await playRun({ definitions: [runs] }, director);
      expect(state.status).toBe("completed");
      expect(did.toSorted()).toEqual(all.toSorted());
    }
    await everyWay(
      { definitions: [runOf(async (ctx) => void [1, 2, 3].map((what) => act(ctx, `u${what}`)))] },
      (played) => expect(played.did.toSorted()).toEqual(["u1", "u2", "u3"]),
    );
  });

  it("is followed by the steps behind it", async () => {
    const runs = runOf(async (ctx) => {
      void (async () => {
        for (const what of ["a", "b", "c"]) await act(ctx, what);
      })();
      await act(ctx, "work");
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state.status).toBe("completed");
      expect(did.toSorted()).toEqual(["a", "b", "c", "work"]);
    });
  });

  it("may fail: nobody hears of it, and the run completes", async () => {
    const runs = runOf(async (ctx) => {
      void bad(ctx);
      await act(ctx, "work");
    });
    await everyWay({ definitions: [runs] }, ({ state }) => {
      expect(state.status).toBe("completed");
      expect(state.settled.map(({ outcome }) => outcome.kind).toSorted()).toEqual(["done", "failed"]);
    });
  });

  it("that kills its segment again and again is named, and the run does not complete without it", async () => {
    const runs = runOf(async (ctx) => {
      void act(ctx, "deadly");
      void ctx.sleep("nap", "1h");
    });
    const killed = planned(({ name }) => (name.startsWith("effect") ? fates.killBefore : undefined));
    const isOver = ({ status }: RunState): boolean => status === "parked";
    const { state } = await playRun({ definitions: [runs], isOver }, killed);
    expect(state.parked).toMatchObject({ step: "deadly", failure: { code: "deadly_step" } });
  });

  it("holds a pause: the run ends when it is resumed and the step is done", async () => {
    const runs = runOf(async (ctx) => void failsOnce(ctx, "notify", "1h"));
    const acts = [
      { when: ({ status }: RunState): boolean => status === "waiting", act: { kind: "pause" } as const },
      {
        when: ({ status }: RunState): boolean => status === "paused",
        act: { kind: "resume" } as const,
        afterMs: 7_200_000,
      },
    ];
    await everyWay({ definitions: [runs], acts }, ({ state, did }) => {
      expect(state.status).toBe("completed");
      expect(did).toEqual(["notify"]);
    });
  });
});

describe("what Promise.all leaves running when one fails", () => {
  it.each(["100ms", "3s"] as const)("goes on when the code returns, tried again after %s", async (backoff) => {
    const runs = runOf(async (ctx) => {
      try {
        await Promise.all([bad(ctx), failsOnce(ctx, "good", backoff), act(ctx, "other")]);
      } catch {
        return "gave up";
      }
      return "both";
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "completed", output: "gave up" });
      expect(did.toSorted()).toEqual(["good", "other"]);
    });
  });

  it("goes on when the code throws, and is undone then", async () => {
    const runs = runOf(async (ctx) => {
      await Promise.all([bad(ctx), failsOnce(ctx, "good", "3s")]);
    });
    await everyWay({ definitions: [runs] }, ({ state, did }) => {
      expect(state).toMatchObject({ status: "failed", failure: { message: "bad" } });
      expect(did).toEqual(["good", "undo good"]);
    });
  });
});

describe("a wait that is not awaited any more", () => {
  it("keeps the run from nothing: a race of a signal against a time ends with the first", async () => {
    const runs = runOf(async (ctx) => {
      const late = ctx.sleep("patience", "1d").then(() => "late");
      const word = ctx.waitForSignal("word").then(() => "word");
      return Promise.race([word, late, act(ctx, "work").then(() => "work")]);
    });
    await everyWay({ definitions: [runs] }, ({ state, elapsedMs }) => {
      expect(state).toMatchObject({ status: "completed", output: "work" });
      expect(elapsedMs).toBeLessThan(3_600_000);
      expect(viewRun("run_1", state)?.waits).toBeUndefined();
    });
  });

  it("ends with the code, and so does what stands behind it", async () => {
    const runs = runOf(async (ctx) => {
      void ctx.sleep("nap", "1h").then(() => act(ctx, "after"));
      await act(ctx, "work");
      throw new RunFailed("no");
    });
    const { state, did } = await playRun({ definitions: [runs] });
    expect(state.status).toBe("failed");
    expect(did).toEqual(["work"]);
  });

  it("for a child has started the child, and for a call has made the call", async () => {
    const child = runOf((ctx) => act(ctx, "child"), "child");
    const runs = runOf(async (ctx) => {
      void ctx.child("child", child, {});
      void ctx.call("ask", { url: "https://there.test/" });
      return "done";
    });
    await everyWay({ definitions: [runs, child] }, ({ states, trace, did }) => {
      expect([...states.values()].map(({ status }) => status)).toEqual(["completed", "completed"]);
      expect(did).toEqual(["child"]);
      expect(trace.some((line) => line.includes("call") && line.includes("run_1"))).toBe(true);
    });
  });
});
