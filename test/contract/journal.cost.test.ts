/** What each call of the journal costs: exactly what `src/engine/journal.ts` says. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  entriesOf,
  freshDefinition,
  freshRef,
  startJournalStores,
  times,
  type JournalStores,
} from "./journal-stores.ts";

let stores: JournalStores;
beforeAll(async () => {
  stores = await startJournalStores();
});
afterAll(() => stores.server.close());

describe("what the upstash journal costs", () => {
  const known = { definition: freshDefinition(), isTold: false };
  const ref = freshRef();
  const newest = { ...ref, volume: 1 };

  /** Billed commands and round trips, in words. */
  async function costOf(work: () => Promise<unknown>): Promise<string> {
    stores.server.ledger.reset();
    await work();
    const { commands, roundTrips } = stores.server.ledger.read();
    return `${commands} in ${roundTrips}`;
  }

  it("is what its port says, call by call", async () => {
    const store = await stores.empty("upstash");
    const many = entriesOf("a", "b", "c", "d", "e");
    // The budget of a definition is asked for once a minute; scripts travel in full once.
    expect(await costOf(() => store.start(ref, { entries: many, ...times, definition: known.definition }))).toBe(
      "4 in 1",
    );
    expect(await costOf(() => store.start(freshRef(), { entries: many, ...times, definition: known.definition }))).toBe(
      "3 in 1",
    );
    expect(await costOf(() => store.start(freshRef(), { entries: many, ...times }))).toBe("3 in 1");
    expect(await costOf(() => store.open(ref, "opening", known))).toBe("2 in 1");
    expect(await costOf(() => store.open(ref, "opening", { ...known, isTold: true }))).toBe("3 in 1");
    expect(await costOf(() => store.open(ref, "opening", { ...known, definition: freshDefinition() }))).toBe("3 in 1");
    expect(await costOf(() => store.append(ref, many))).toBe("1 in 1");
    expect(await costOf(() => store.append(ref, many, { from: 0, entries: many }))).toBe("2 in 1");
    expect(await costOf(() => store.act(ref, { entry: "order" }))).toBe("1 in 1");
    expect(await costOf(() => store.act(ref, { entry: "order", dueAtMs: 1 }))).toBe("2 in 1");
    expect(await costOf(() => store.act(ref, { entry: "order", dueAtMs: 1, isRevival: true }))).toBe("3 in 1");
    expect(await costOf(() => store.read(ref, 0))).toBe("1 in 1");
    expect(await costOf(() => store.readMany([ref, freshRef(), freshRef()]))).toBe("3 in 1");
    expect(await costOf(() => store.overdue(1, 10))).toBe("1 in 1");
    expect(
      await costOf(() =>
        store.postpone([
          { ref, dueAtMs: 1 },
          { ref: freshRef(), dueAtMs: 1 },
        ]),
      ),
    ).toBe("1 in 1");
    expect(await costOf(() => store.isKnown(ref))).toBe("1 in 1");
    expect(await costOf(() => store.register(ref, 1))).toBe("2 in 1");
    expect(await costOf(() => store.retire([ref]))).toBe("2 in 1");
    expect(await costOf(() => store.page("usr_1", { atMostMs: 1, skip: 0, count: 1 }))).toBe("1 in 1");
  });

  it("is seven for a compaction, three where somebody has written meanwhile, and three round trips to find a volume that is not named", async () => {
    const store = await stores.empty("upstash");
    await store.start(ref, { entries: entriesOf("a", "b", "c"), ...times });
    await store.open(ref, "opening", known);
    const compaction = { length: 4, snapshot: "snapshot", keep: 2 };
    await store.compact(freshRef(), compaction);
    expect(await costOf(() => store.compact(ref, { ...compaction, length: 1 }))).toBe("3 in 1");
    expect(await costOf(() => store.compact(ref, compaction))).toBe("7 in 1");
    expect(await costOf(() => store.read(newest, 0))).toBe("1 in 1");
    expect(await costOf(() => store.open(newest, "opening", known))).toBe("2 in 1");
    expect(await costOf(() => store.read(ref, 0))).toBe("3 in 3");
    expect(await costOf(() => store.append(newest, entriesOf("a")))).toBe("1 in 1");
    expect(await costOf(() => store.retire([newest]))).toBe("3 in 1");
  });

  it("is four for each run that the sweep lets go", async () => {
    const store = await stores.empty("upstash");
    const runs = [freshRef(), freshRef()];
    for (const run of runs) await store.start(run, { entries: entriesOf("a"), ...times });
    const seen = runs.map((run) => ({ ref: run, length: 1 }));
    await store.retireUnchanged([{ ref: freshRef(), length: 0 }]);
    expect(await costOf(() => store.retireUnchanged(seen))).toBe("8 in 1");
  });

  it("is three for each run that is set aside for a person", async () => {
    const store = await stores.empty("upstash");
    const run = freshRef();
    await store.start(run, { entries: entriesOf("a"), ...times });
    await store.setAsideUnchanged([{ ref: freshRef(), length: 1, dueAtMs: 9_000 }]);
    expect(await costOf(() => store.setAsideUnchanged([{ ref: run, length: 1, dueAtMs: 9_000 }]))).toBe("3 in 1");
  });

  it("is one more for what was learned about a definition, once a minute", async () => {
    const store = await stores.empty("upstash");
    const definition = freshDefinition();
    const cost = (): Promise<string> =>
      costOf(() => store.start(freshRef(), { entries: entriesOf("a"), ...times, definition }));
    expect([await cost(), await cost()]).toEqual(["4 in 1", "3 in 1"]);
    await stores.clock.advance(60_001);
    expect([await cost(), await cost()]).toEqual(["4 in 1", "3 in 1"]);
  });
});
