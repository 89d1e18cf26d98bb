/** What becomes of a journal that is compacted, of who knows of it and of who does not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { journalKey, journalVolumeKey } from "../../src/upstash/keys.ts";
import { entriesOf, freshDefinition, freshRef, startJournalStores, storeKinds, times } from "./journal-stores.ts";
import type { JournalStores, RunStore } from "./journal-stores.ts";

let stores: JournalStores;
beforeAll(async () => {
  stores = await startJournalStores();
});
afterAll(() => stores.server.close());

describe.each(storeKinds)("a journal that is compacted (%s)", (kind) => {
  let store: RunStore;
  beforeEach(async () => {
    store = await stores.empty(kind);
  });
  const dueNow = (): Promise<RunRef[]> => store.overdue(1e15, 100);

  async function compacted(): Promise<RunRef> {
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a", "b", "c", "d"), ...times });
    expect(await store.compact(ref, { length: 4, snapshot: "snapshot", keep: 1 })).toBe(true);
    return ref;
  }

  it("has the snapshot and its last entries, for everybody who asks, knowing the volume or not", async () => {
    const ref = await compacted();
    const now = ["snapshot", ...entriesOf("d")];
    expect(await store.read(ref, 0)).toEqual(now);
    expect(await store.read({ ...ref, volume: 1 }, 0)).toEqual(now);
    expect(await store.readMany([ref])).toEqual([now]);
    const o = { definition: freshDefinition(), isTold: true };
    expect(await store.open(ref, "opening", o)).toMatchObject({ entries: [...now, "opening"], volume: 1 });
    expect(await store.open({ ...ref, volume: 1 }, "again", o)).toMatchObject({ volume: 1 });
    expect(await store.act(ref, { entry: "order", dueAtMs: 1 })).toBe(5);
    expect(await store.append({ ...ref, volume: 1 }, entriesOf("e"))).toBe(6);
  });

  it("takes nothing from a writer who does not know of it", async () => {
    const ref = await compacted();
    expect(await store.append(ref, entriesOf("late"))).toBe(0);
    expect(await store.append(ref, entriesOf("late"), { from: 0, entries: [] })).toBe(0);
    expect(await store.read(ref, 2)).toEqual([]);
    expect(await store.read(ref, 0)).toEqual(["snapshot", ...entriesOf("d")]);
  });

  it("is there when it is started again, and stays as it is", async () => {
    const ref = await compacted();
    expect((await store.start(ref, { entries: entriesOf("x"), ...times })).length).toBeGreaterThan(1);
    expect(await store.read(ref, 0)).toEqual(["snapshot", ...entriesOf("d")]);
  });

  it("may be compacted again, and who is two volumes behind finds it, too", async () => {
    const ref = await compacted();
    const first = { ...ref, volume: 1 };
    expect(await store.compact(first, { length: 2, snapshot: "second", keep: 1 })).toBe(true);
    for (const [index, asked] of [ref, first, { ...ref, volume: 2 }].entries()) {
      expect((await store.read(asked, 0)).slice(0, 2)).toEqual(["second", ...entriesOf("d")]);
      expect(await store.act(asked, { entry: "order" })).toBe(3 + index);
    }
    for (const behind of [ref, first]) {
      expect(await store.append(behind, entriesOf("late"))).toBe(0);
      expect(await store.compact(behind, { length: 5, snapshot: "late", keep: 1 })).toBe(false);
    }
    expect(await store.read(ref, 0)).toHaveLength(5);
  });

  it("is so once: a repeated compaction says yes and changes nothing, another one says no", async () => {
    const ref = await compacted();
    expect(await store.compact(ref, { length: 4, snapshot: "snapshot", keep: 1 })).toBe(true);
    expect(await store.compact(ref, { length: 4, snapshot: "another", keep: 1 })).toBe(false);
    expect(await store.read(ref, 0)).toEqual(["snapshot", ...entriesOf("d")]);
  });

  it("is not, when somebody has written meanwhile, or where there is no run", async () => {
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a", "b"), ...times });
    await store.act(ref, { entry: "order" });
    expect(await store.compact(ref, { length: 2, snapshot: "snapshot", keep: 1 })).toBe(false);
    expect(await store.read(ref, 0)).toEqual([...entriesOf("a", "b"), "order"]);
    const nobody = freshRef();
    expect(await store.compact(nobody, { length: 2, snapshot: "snapshot", keep: 1 })).toBe(false);
    expect(await store.read(nobody, 0)).toEqual([]);
  });

  it("is found by the sweep, and let go by it, like any other", async () => {
    const ref = await compacted();
    const newest = { ...ref, volume: 1 };
    await store.retireUnchanged([{ ref: newest, length: 3 }]);
    expect(await dueNow()).toEqual([ref]);
    await store.retireUnchanged([{ ref, length: 4 }]);
    expect(await dueNow()).toEqual([ref]);
    await store.retireUnchanged([{ ref: newest, length: 2 }]);
    expect(await dueNow()).toEqual([]);
  });
});

describe("the keys of a journal in Redis", () => {
  const ttlOf = (key: string): Promise<number> => stores.redis.command(["TTL", key], Number);

  it("begins to expire when its run is over, all its keys, and no longer when the run is retried", async () => {
    const store = await stores.empty("upstash");
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a", "b"), ...times });
    await store.compact(ref, { length: 2, snapshot: "snapshot", keep: 1 });
    const newest = { ...ref, volume: 1 };
    const keys = [journalKey(ref.userId, ref.runId), journalVolumeKey(ref.userId, ref.runId, 1)];
    const ttls = (): Promise<number[]> => Promise.all(keys.map(ttlOf));
    expect(await ttls()).toEqual([-1, -1]);
    await store.retire([newest]);
    expect(Math.min(...(await ttls()))).toBeGreaterThan(limits.runTtlSeconds - 60);
    await store.act(newest, { entry: "order", isRevival: true });
    expect(await ttls()).toEqual([-1, -1]);
    await store.retireUnchanged([{ ref: newest, length: 3 }]);
    expect(Math.min(...(await ttls()))).toBeGreaterThan(limits.runTtlSeconds - 60);
    await store.register(newest, 1);
    expect(await ttls()).toEqual([-1, -1]);
  });

  it("leaves nothing behind of the volumes before", async () => {
    const store = await stores.empty("upstash");
    const ref = freshRef();
    await store.start(ref, { entries: entriesOf("a", "b"), ...times });
    await store.compact(ref, { length: 2, snapshot: "one", keep: 1 });
    await store.compact({ ...ref, volume: 1 }, { length: 2, snapshot: "two", keep: 1 });
    const found = await stores.redis.command(
      ["KEYS", `${journalKey(ref.userId, ref.runId)}*`.replace("{", "\\{")],
      (keys) => (keys as string[]).toSorted(),
    );
    expect(found).toEqual([journalKey(ref.userId, ref.runId), journalVolumeKey(ref.userId, ref.runId, 2)]);
  });
});
