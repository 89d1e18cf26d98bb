/**
 * Records that outlive the process, in one SQLite file of a folder.
 *
 * Invariants:
 * 1. All records are in memory too; a collection is read from the file once, when it is asked for.
 * 2. A flush is one transaction: after a crash the file holds all of it or nothing.
 * 3. A killed process loses nothing that was flushed, for the kernel has it. A power cut may take the last flushes but leaves
 *    the file whole: SQLite waits for the disk before it moves its log into the file, not at each commit.
 * 4. One process at a time has the folder. The lock is the kernel's, so a killed process leaves none behind.
 * 5. What is changed and not flushed explicitly is flushed at the end of the turn of the event loop.
 */
import { collectionTable, type CollectionTable } from "./collection-table.ts";
import type { Collection, Storage } from "./collection.ts";
import { openDatabase } from "./open-database.ts";

/**
 * Makes the folder when it is missing. A file that is damaged is set aside and reported, and an empty one takes its place.
 * @throws FolderInUseError when another process has the folder; Error in words for a file of a newer version.
 */
export function openFileStorage(folder: string): Storage {
  const database = openDatabase(folder);
  const tables: CollectionTable[] = [];
  let isFlushDue = false;
  let hasFailed = false;
  let isClosed = false;

  function write(): void {
    database.exec("BEGIN");
    try {
      for (const table of tables) table.writeChanges();
      database.exec("COMMIT");
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw cause;
    }
    for (const table of tables) table.forgetChanges();
  }

  function flush(): boolean {
    isFlushDue = false;
    if (isClosed || !tables.some((table) => table.hasChanges())) return true;
    try {
      write();
      hasFailed = false;
    } catch (cause) {
      // Once, not for each request while the disk is full.
      if (!hasFailed) console.error(`The state could not be written to ${folder}:`, cause);
      hasFailed = true;
    }
    return !hasFailed;
  }

  function flushSoon(): void {
    if (isFlushDue) return;
    isFlushDue = true;
    setImmediate(flush);
  }

  return {
    collection<Entry>(name: string): Collection<Entry> {
      const table = collectionTable<Entry>(database, name, flushSoon);
      tables.push(table);
      return table.collection;
    },
    flush,
    close() {
      flush();
      if (!isClosed) database.close();
      isClosed = true;
    },
  };
}
