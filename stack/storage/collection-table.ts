import type { DatabaseSync } from "node:sqlite";
import { memoryCollection, type Collection } from "./collection.ts";
import { decodeRecord, encodeRecord } from "./record-text.ts";

/** A collection in memory and the table of a database that follows it. */
export interface CollectionTable<Entry = unknown> {
  collection: Collection<Entry>;
  hasChanges(): boolean;
  /** To be called inside a transaction. A record is written as it is now, however often it was put. */
  writeChanges(): void;
  /** Once the transaction has succeeded. */
  forgetChanges(): void;
}

/** What has become of a record since the last flush; one that was removed and put again goes to the end of the order. */
type Change = "put" | "removed" | "renewed";

/** @param name a word of ours: it becomes the table's name. */
export function collectionTable<Entry>(
  database: DatabaseSync,
  name: string,
  onChange: () => void,
): CollectionTable<Entry> {
  // The order of addition is that of the row numbers, which a replacement leaves alone.
  database.exec(
    `CREATE TABLE IF NOT EXISTS "${name}" (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL)`,
  );
  const upsert = database.prepare(
    `INSERT INTO "${name}" (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
  );
  const remove = database.prepare(`DELETE FROM "${name}" WHERE id = ?`);
  const entries = new Map<string, Entry>();
  for (const row of database.prepare(`SELECT id, record FROM "${name}" ORDER BY place`).iterate()) {
    entries.set(String(row["id"]), decodeRecord(String(row["record"])) as Entry);
  }
  const changes = new Map<string, Change>();

  /** Changes are kept in the order of the last addition, in which new rows are to be made. */
  function note(id: string, change: Change): void {
    if (change !== "put") changes.delete(id);
    changes.set(id, change);
    onChange();
  }

  const inMemory = memoryCollection(entries);
  return {
    collection: {
      ...inMemory,
      put(id, entry) {
        const earlier = changes.get(id);
        if (earlier === "removed") note(id, "renewed");
        else if (earlier === undefined) note(id, "put");
        inMemory.put(id, entry);
      },
      remove(id) {
        if (!inMemory.remove(id)) return false;
        note(id, "removed");
        return true;
      },
    },
    hasChanges: () => changes.size > 0,
    writeChanges() {
      for (const [id, change] of changes) {
        if (change !== "put") remove.run(id);
        if (change !== "removed") upsert.run(id, encodeRecord(entries.get(id)));
      }
    },
    forgetChanges: () => changes.clear(),
  };
}
