import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { NonRetryableError } from "../../src/engine/failures.ts";
import type { AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { eraseUser, type EraseServices } from "../../src/memory/erase-user.ts";
import type { KeyCounts } from "../../src/memory/eraser.ts";
import { createEngineRig } from "../support/engine-rig.ts";

const userId = `usr_${"a".repeat(32)}`;

interface Plan {
  /** What each look finds; the last one again and again. */
  readonly looks?: readonly number[];
  readonly indexed?: readonly KeyCounts[];
  readonly schedules?: readonly string[];
  readonly forget?: () => Promise<void>;
  /** Stretches of one look. */
  readonly stretches?: number;
}

function createEraseRig({ looks = [0], indexed = [{}], schedules = [], forget, stretches = 1 }: Plan) {
  const did: string[] = [];
  let turns = 0;
  let looked = 0;
  const services: EraseServices = {
    eraser: {
      async eraseIndexed() {
        did.push("indexed");
        const erased = indexed[turns] ?? {};
        turns += 1;
        return { erased, isMore: turns < indexed.length };
      },
      async eraseStretch(_userId, from) {
        did.push(`look from ${from}`);
        const next = Number(from) + 1;
        if (next < stretches) return { erased: {}, next: String(next) };
        const found = looks[Math.min(looked, looks.length - 1)] ?? 0;
        looked += 1;
        return { erased: found === 0 ? {} : { runs: found }, next: undefined };
      },
    },
    schedulesOf: async () => schedules,
    async forgetSchedule(_userId, id) {
      did.push(`forget ${id}`);
      await forget?.();
    },
  };
  const definition = eraseUser as AnyRunDefinition<unknown>;
  const rig = createEngineRig([definition]);
  const over = { services };
  return { rig, did, over, start: () => rig.start(definition, { userId }, over) };
}

describe("the erasure of a user", () => {
  it("forgets the schedules, goes by the indices, and looks until nothing is found behind a time to settle", async () => {
    const { rig, did, over, start } = createEraseRig({
      indexed: [{ runs: 500 }, { runs: 3, events: 1 }],
      schedules: ["scd_1", "scd_2"],
      looks: [2, 1, 0],
    });
    const begunAt = rig.clock.now();
    const ref = await start();
    expect(rig.state(ref)).toMatchObject({ status: "waiting" });
    expect(rig.state(ref).memory.values.get("erasure")).toEqual({ erased: { events: 1, runs: 505 }, looks: [2] });
    await rig.deliverAll(over);
    expect(rig.state(ref)).toMatchObject({
      status: "completed",
      output: { erased: { events: 1, runs: 506 }, looks: [2, 1, 0] },
    });
    expect(did).toEqual([
      "forget scd_1",
      "forget scd_2",
      "indexed",
      "indexed",
      "look from 0",
      "look from 0",
      "look from 0",
    ]);
    expect(rig.clock.now() - begunAt).toBeGreaterThanOrEqual(2 * limits.eraseSettleMs);
  });

  it("looks twice also where the first look finds nothing: a writer may have been at work", async () => {
    const { rig, over, start } = createEraseRig({ looks: [0] });
    const ref = await start();
    expect(rig.state(ref).status).toBe("waiting");
    await rig.deliverAll(over);
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: { looks: [0, 0] } });
  });

  it("goes through a large storage in stretches, each a step of its own", async () => {
    const { rig, did, over, start } = createEraseRig({ stretches: 40 });
    const ref = await start();
    await rig.deliverAll(over);
    expect(rig.state(ref)).toMatchObject({ status: "completed" });
    expect(did.filter((what) => what.startsWith("look"))).toEqual(
      [1, 2].flatMap(() => Array.from({ length: 40 }, (_none, index) => `look from ${index}`)),
    );
  });

  it("does not wait for a queue that cannot be reached", async () => {
    const { rig, over, start } = createEraseRig({
      schedules: ["scd_1"],
      forget: () => Promise.reject(new NonRetryableError("no route to the queue")),
    });
    const ref = await start();
    await rig.deliverAll(over);
    expect(rig.state(ref)).toMatchObject({ status: "completed" });
  });

  it("fails in words, and never says that it is done, when something is found at every look", async () => {
    const { rig, over, start } = createEraseRig({ looks: [1] });
    const ref = await start();
    await rig.deliverAll(over);
    expect(rig.state(ref)).toMatchObject({ status: "failed", failure: { code: "not_erased" } });
  });

  it("refuses what is no user's id: a pattern would fit everybody's keys", () => {
    for (const given of ["", "*", "usr_*", `usr_${"A".repeat(32)}`]) {
      expect(eraseUser.input.safeParse({ userId: given }).success).toBe(false);
    }
  });
});
