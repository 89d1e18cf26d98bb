/** R7: an order that was accepted holds, also where it comes while the last step runs, or while the end of the run is being written. */
import { describe, expect, it } from "vitest";
import { actOnRun, type RunAct } from "../../src/engine/act-on-run.ts";
import { RunFailed } from "../../src/engine/failures.ts";
import { followRun, runEvents } from "../../src/engine/follow-run.ts";
import { parseEntry } from "../../src/engine/journal-entry.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { runOf } from "../support/play-run.ts";

const cancel: RunAct = { kind: "cancel", reason: "enough", isUndoing: true };
const pause: RunAct = { kind: "pause" };

/** A run to which an order comes once, in its last step or with the entry that ends it. */
async function ordered(order: RunAct, when: "last step" | "end", fails = false) {
  const did: string[] = [];
  let isOrdered = false;
  const trip = runOf(async (ctx) => {
    await ctx.step("flight", (step) => ctx.services.act("flight", step), {
      compensate: (_result, step) => ctx.services.act("undo flight", step),
    });
    await ctx.step("last", () => (when === "last step" ? giveOrder() : undefined));
    if (fails) throw new RunFailed("no visa");
    return "booked";
  });
  const rig = createEngineRig([trip]);
  const services = { act: async (what: string) => void did.push(what) };
  async function giveOrder(): Promise<void> {
    if (isOrdered) return;
    isOrdered = true;
    expect(await actOnRun(rig.parts(), { userId: "usr_1", runId: "run_1" }, order)).toEqual({ kind: "done" });
  }
  const journal: typeof rig.journal = {
    ...rig.journal,
    async append(to, entries, ...more) {
      const type = parseEntry(entries.at(-1) ?? "")?.record.type;
      if (when === "end" && (type === "completed" || type === "ended")) await giveOrder();
      return rig.journal.append(to, entries, ...more);
    },
  };
  const ref = await rig.start(trip, {}, { services, journal });
  return { rig, ref, did, state: () => rig.state(ref), goOn: () => rig.deliverAll({ services }) };
}

describe.each(["last step", "end"] as const)("an order that is accepted in the %s of a run", (when) => {
  it("cancels it: what was done is undone, and nothing completes", async () => {
    const { did, state, goOn } = await ordered(cancel, when);
    await goOn();
    expect(did).toEqual(["flight", "undo flight"]);
    expect(state()).toMatchObject({ status: "cancelled", failure: { message: "enough" }, output: undefined });
  });

  it("pauses it: it completes only when it is resumed", async () => {
    const { rig, ref, state, goOn, did } = await ordered(pause, when);
    await goOn();
    expect(state()).toMatchObject({ status: "paused", output: undefined });
    expect(rig.journal.expiring.size).toBe(0);
    await actOnRun(rig.parts(), ref, { kind: "resume" });
    await goOn();
    expect(state()).toMatchObject({ status: "completed", output: "booked" });
    expect(did).toEqual(["flight"]);
  });
});

describe("a run that fails", () => {
  it("ends behind a pause that came meanwhile only when it is resumed", async () => {
    const { rig, ref, did, state, goOn } = await ordered(pause, "end", true);
    expect(state().status).toBe("paused");
    await actOnRun(rig.parts(), ref, { kind: "resume" });
    await goOn();
    expect(state()).toMatchObject({ status: "failed", failure: { message: "no visa" } });
    expect(did).toEqual(["flight", "undo flight"]);
  });
});

describe("an end that does not count", () => {
  it("is followed by another segment, and the sweep knows of the run until then", async () => {
    const { rig, ref, state } = await ordered(cancel, "end");
    expect(state()).toMatchObject({ status: "running", holder: undefined });
    expect(rig.queued).toHaveLength(1);
    expect(rig.journal.dueAt(ref)).toBeLessThanOrEqual(rig.clock.now() + 60_000);
  });

  it("is told to nobody as the end, neither to those who read later nor to those who are connected", async () => {
    const { rig, ref, goOn } = await ordered(cancel, "end");
    const types = (): string[] => runEvents(rig.journal.entries(ref)).map(({ type }) => type);
    expect(types()).not.toContain("workflow-completed");
    const told = rig.journal.published.at(-1)!;
    expect(told.entries.at(-1)).toContain(" completed ");
    const before = rig.journal.entries(ref).slice(0, told.from);
    let reads = 0;
    const events = followRun(
      {
        // What is connected has read the journal as it was before, and hears the rest.
        journal: { read: async () => ((reads += 1) === 1 ? before : rig.journal.entries(ref)) },
        feed: {
          subscribe: async () =>
            (async function* () {
              yield told;
            })(),
        },
        pause: () => Promise.resolve(),
        random: () => 0,
      },
      ref,
      -1,
      new AbortController().signal,
    );
    await goOn();
    const heard: string[] = [];
    for await (const { type } of events) heard.push(type);
    expect(heard).toEqual(types());
    expect(heard.at(-1)).toBe("workflow-cancelled");
  });
});
