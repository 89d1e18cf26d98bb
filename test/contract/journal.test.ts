/** Journals, due runs and the user's index: the fake that unit tests trust and the adapter that production uses, held to the same cases. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunCursor, RunRef } from "../../src/engine/journal.ts";
import { entriesOf, freshDefinition, freshRef, startJournalStores, storeKinds, times } from "./journal-stores.ts";
import type { JournalStores, RunStore } from "./journal-stores.ts";

let stores: JournalStores;
beforeAll(async () => {
  stores = await startJournalStores();
});
afterAll(() => stores.server.close());

describe.each(storeKinds)("a journal (%s)", (kind) => {
  let store: RunStore;
  beforeEach(async () => {
    store = await stores.empty(kind);
  });
  const dueNow = (nowMs = 1e15): Promise<RunRef[]> => store.overdue(nowMs, 100);

  it("begins with the entries given, is due at the time given, and stands in its user's list", async () => {
    const ref = freshRef();
    expect(await store.start(ref, { entries: entriesOf("a", "b"), ...times })).toEqual({
      length: 2,
      learned: undefined,
    });
    expect(await store.read(ref, 0)).toEqual(entriesOf("a", "b"));
    expect(await dueNow(1_999)).toEqual([]);
    expect(await dueNow(2_000)).toEqual([ref]);
    expect(await store.page("usr_1", { atMostMs: 1e15, skip: 0, count: 10 })).toEqual([
      { runId: ref.runId, startedAtMs: 1_000 },
    ]);
  });

  it("that is started again says that it was there, keeps its place in the list, and keeps what it has", async () => {
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a"), ...times });
    const { length } = await store.start(ref, { entries: entriesOf("b"), startedAtMs: 5_000, dueAtMs: 6_000 });
    expect(length).toBeGreaterThan(1);
    expect((await store.read(ref, 0))[0]).toEqual(entriesOf("a")[0]);
    expect(await store.page("usr_1", { atMostMs: 1e15, skip: 0, count: 10 })).toEqual([
      { runId: ref.runId, startedAtMs: 1_000 },
    ]);
  });

  it("is opened by an entry at its end and read whole in the same trip; nothing is made where there is no run", async () => {
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a"), ...times });
    const o = { definition: freshDefinition(), isTold: false };
    expect(await store.open(ref, "opening", o)).toEqual({
      entries: [...entriesOf("a"), "opening"],
      volume: 0,
      learned: undefined,
    });
    const nobody = freshRef();
    expect(await store.open(nobody, "opening", o)).toMatchObject({ entries: [] });
    expect(await store.read(nobody, 0)).toEqual([]);
  });

  it("comes with what was learned about its definition", async () => {
    const ref = freshRef();
    const definition = freshDefinition();
    await store.store(definition, "5:9");
    expect(await store.start(ref, { entries: entriesOf("a"), ...times, definition })).toMatchObject({ learned: "5:9" });
    await store.store(definition, "6:9");
    expect(await store.open(ref, "opening", { definition, isTold: false })).toMatchObject({ learned: "6:9" });
  });

  it("grows by what is appended and answers with its length; nothing is made where there is no run", async () => {
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a"), ...times });
    expect(await store.append(ref, entriesOf("b", "c"))).toBe(3);
    expect(await store.act(ref, { entry: "order" })).toBe(4);
    expect(await store.read(ref, 0)).toEqual([...entriesOf("a", "b", "c"), "order"]);
    const nobody = freshRef();
    expect(await store.append(nobody, entriesOf("a"))).toBe(0);
    expect(await store.act(nobody, { entry: "order" })).toBe(0);
    expect(await store.read(nobody, 0)).toEqual([]);
  });

  it("is read from an index on, and several at once in the order asked for", async () => {
    const [one, two, nobody] = [freshRef(), freshRef(), freshRef()];
    await store.start(one, { entries: entriesOf("a", "b", "c"), ...times });
    await store.start(two, { entries: entriesOf("d"), ...times });
    expect(await store.read(one, 2)).toEqual(entriesOf("c"));
    expect(await store.read(one, 3)).toEqual([]);
    expect(await store.read(one, 99)).toEqual([]);
    expect(await store.readMany([two, nobody, one])).toEqual([entriesOf("d"), [], entriesOf("a", "b", "c")]);
    expect(await store.readMany([])).toEqual([]);
  });

  it("tells readers who are connected what it is told to, openings in their place, in order", async () => {
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a"), ...times });
    const aborter = new AbortController();
    const told = (await store.subscribe(ref, aborter.signal))[Symbol.asyncIterator]();
    await store.append(ref, entriesOf("b"), { from: 1, entries: entriesOf("b") });
    await store.append(ref, entriesOf("c"));
    await store.open(ref, "opening", { definition: freshDefinition(), isTold: true });
    await store.append(ref, entriesOf("d"), { from: 2, entries: entriesOf("c", "d") });
    expect((await told.next()).value).toEqual({ from: 1, entries: entriesOf("b") });
    expect((await told.next()).value).toEqual({ from: Number.MAX_SAFE_INTEGER, entries: ["opening"] });
    expect((await told.next()).value).toEqual({ from: 2, entries: entriesOf("c", "d") });
    aborter.abort();
    expect((await told.next()).done).toBe(true);
  });

  describe("in the sweep's registry", () => {
    it("comes when it is overdue, the longest first, as many as asked for", async () => {
      const refs = [freshRef(), freshRef(), freshRef()];
      for (const [index, ref] of refs.entries()) {
        await store.start(ref, { entries: entriesOf("a"), startedAtMs: 1, dueAtMs: 3_000 - index * 1_000 });
      }
      expect(await store.overdue(2_000, 10)).toEqual([refs[2], refs[1]]);
      expect(await store.overdue(5_000, 2)).toEqual([refs[2], refs[1]]);
      expect(await store.overdue(999, 10)).toEqual([]);
    });

    it("is put off only if it is there", async () => {
      const [known, unknown] = [freshRef(), freshRef()];
      await store.start(known, { entries: entriesOf("a"), ...times });
      await store.postpone([
        { ref: known, dueAtMs: 9_000 },
        { ref: unknown, dueAtMs: 1 },
      ]);
      await store.postpone([]);
      expect(await store.overdue(8_999, 10)).toEqual([]);
      expect(await store.overdue(9_000, 10)).toEqual([known]);
      expect([await store.isKnown(known), await store.isKnown(unknown)]).toEqual([true, false]);
    });

    it("is looked at earlier because of an order, never later, and is put in by one", async () => {
      const ref = freshRef();
      await store.start(ref, { entries: entriesOf("a"), ...times });
      await store.act(ref, { entry: "order", dueAtMs: 9_000 });
      expect(await dueNow(2_000)).toEqual([ref]);
      await store.act(ref, { entry: "order", dueAtMs: 500 });
      expect(await dueNow(500)).toEqual([ref]);
      await store.retire([ref]);
      await store.act(ref, { entry: "order", dueAtMs: 700 });
      expect(await dueNow(700)).toEqual([ref]);
    });

    it("leaves it when it is over; one that has changed meanwhile stays", async () => {
      const [over, changed] = [freshRef(), freshRef()];
      for (const ref of [over, changed]) await store.start(ref, { entries: entriesOf("a"), ...times });
      await store.act(changed, { entry: "order" });
      await store.retireUnchanged([
        { ref: over, length: 1 },
        { ref: changed, length: 1 },
      ]);
      expect(await dueNow()).toEqual([changed]);
      await store.retire([changed]);
      expect(await dueNow()).toEqual([]);
      await store.register(over, 50);
      expect(await dueNow(50)).toEqual([over]);
    });

    it("is set aside for a person; one that somebody has acted on meanwhile keeps its place, one that is not in it stays out", async () => {
      const [parked, revived, over] = [freshRef(), freshRef(), freshRef()];
      for (const ref of [parked, revived]) await store.start(ref, { entries: entriesOf("a"), ...times });
      await store.act(revived, { entry: "order", dueAtMs: 700 });
      await store.setAsideUnchanged(
        [parked, revived, over].map((ref) => ({ ref, length: ref === over ? 0 : 1, dueAtMs: 9_000 })),
      );
      expect(await dueNow(8_999)).toEqual([revived]);
      await store.retire([revived]);
      expect(await dueNow(9_000)).toEqual([parked]);
    });

    it("leaves it when there is no journal any more", async () => {
      const nobody = freshRef();
      await store.register(nobody, 1);
      await store.retireUnchanged([{ ref: nobody, length: 0 }]);
      expect(await dueNow()).toEqual([]);
    });
  });

  it("is listed newest first, in pages, and leaves the list when it is removed", async () => {
    const refs = [freshRef(), freshRef(), freshRef()];
    for (const [index, ref] of refs.entries()) {
      await store.start(ref, { entries: entriesOf("a"), startedAtMs: (index + 1) * 10, dueAtMs: 1 });
    }
    const ids = async (cursor: RunCursor, size: number): Promise<string[]> =>
      (await store.page("usr_1", { ...cursor, count: size })).map(({ runId }) => runId);
    expect(await ids({ atMostMs: 1e15, skip: 0 }, 2)).toEqual([refs[2]!.runId, refs[1]!.runId]);
    expect(await ids({ atMostMs: 20, skip: 1 }, 2)).toEqual([refs[0]!.runId]);
    expect(await ids({ atMostMs: 9, skip: 0 }, 2)).toEqual([]);
    expect(await store.page("usr_nobody", { atMostMs: 1e15, skip: 0, count: 2 })).toEqual([]);
    await store.remove("usr_1", [refs[1]!.runId]);
    await store.remove("usr_1", []);
    expect(await ids({ atMostMs: 1e15, skip: 0 }, 9)).toEqual([refs[2]!.runId, refs[0]!.runId]);
  });
});

describe("the registry in Redis", () => {
  it("ignores members of the registry that it does not understand", async () => {
    const store = await stores.empty("upstash");
    for (const member of ["", "usr_1", "usr_1/", "/run_1", "usr_1/run_1/2"]) {
      await stores.redis.command(["ZADD", "runs:due", 1, member], Number);
    }
    expect(await store.overdue(5, 10)).toEqual([]);
  });
});
