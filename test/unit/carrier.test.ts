/** Runs that somebody else than the queue carries, among others: whoever waits for its word gets it, and the queue brings the rest. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { Trigger } from "../../src/engine/queue.ts";
import { carriedQueue } from "../../src/workflow/carrier.ts";
import { createEngineRig } from "../support/engine-rig.ts";

const trigger = (runId: string, carriedSegments?: number): Trigger => ({
  ref: { userId: "usr_1", runId },
  definition: "any@1",
  ...(carriedSegments === undefined ? {} : { carriedSegments }),
});

describe("triggers of carried runs and others", () => {
  it("go to the carrier where it waits, and to the queue where it does not, cannot be asked, or has no part in it", async () => {
    const rig = createEngineRig([]);
    const wake = async (ref: { readonly runId: string }): Promise<boolean> => {
      if (ref.runId === "lost") throw new AppError("queue_unavailable", "no answer");
      return ref.runId === "waiting";
    };
    const triggers = [trigger("plain"), trigger("waiting", 2), trigger("busy", 1), trigger("lost", 1)];
    const queue = carriedQueue(rig.parts().queue, { wake });
    expect(await queue.triggerNextSteps(triggers)).toEqual(triggers.map(() => undefined));
    expect(rig.queued.map((one) => one.trigger.ref.runId)).toEqual(["plain", "busy", "lost"]);
  });

  it("are told apart by what the queue says of each", async () => {
    const refusal = new AppError("internal", "not this one");
    const { queue } = createEngineRig([]).parts();
    const picky = {
      ...queue,
      triggerNextSteps: async (given: readonly Trigger[]) =>
        given.map(({ ref }) => (ref.runId === "bad" ? refusal : undefined)),
    };
    const outcomes = await carriedQueue(picky, { wake: async () => true }).triggerNextSteps([
      trigger("waiting", 1),
      trigger("bad"),
      trigger("good"),
    ]);
    expect(outcomes).toEqual([undefined, refusal, undefined]);
  });
});
