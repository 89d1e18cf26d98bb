/**
 * Records that outlive the process, in one SQLite file of a folder.
 *
 * Invariants:
 * 1. All records are in memory too; a collection is read from the file once, when it is asked for.
 * 2. All changes of one turn of the event loop are one transaction: after a crash the file holds all of them or none.
 * 3. A killed process loses nothing that was written, for the kernel has it. A power cut may take the last turns but leaves
 *    the file whole: SQLite waits for the disk before it moves its log into the file, not at each commit.
 * 4. One process at a time has the folder. The lock is the kernel's, so a killed process leaves none behind.
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
  const begin = database.prepare("BEGIN");
  const commit = database.prepare("COMMIT");
  const tables: CollectionTable[] = [];
  let turn: Promise<boolean> | undefined;
  let hasFailed = false;
  let isClosed = false;

  function write(): void {
    begin.run();
    try {
      for (const table of tables) table.writeChanges();
      commit.run();
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw cause;
    }
    for (const table of tables) table.forgetChanges();
  }

  function flush(): boolean {
    turn = undefined;
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

  /** Without anybody waiting for it, too: the end of a delivery has no answer to hold back. */
  function flushAtEndOfTurn(): Promise<boolean> {
    turn ??= new Promise((resolve) => void setImmediate(() => resolve(flush())));
    return turn;
  }

  return {
    collection<Entry>(name: string): Collection<Entry> {
      const table = collectionTable<Entry>(database, name, () => void flushAtEndOfTurn());
      tables.push(table);
      return table.collection;
    },
    // What could not be written earlier is still there, and has to be before anybody is told that all is well.
    flushed: () => (turn === undefined && !hasFailed ? Promise.resolve(true) : flushAtEndOfTurn()),
    close() {
      flush();
      if (!isClosed) database.close();
      isClosed = true;
    },
  };
}
