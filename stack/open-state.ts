import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { memoryStorage, type Storage } from "./storage/collection.ts";

/** Where a stack keeps its state: QStash and Workflow in the storage, the embedded Redis in a snapshot. */
export interface StackState {
  storage: Storage;
  redis: { redisUrl?: string; snapshotFile?: string };
}

/** @throws FolderInUseError when another stack has the folder. */
export async function openState(o: { persistDir?: string; isFresh?: boolean; redisUrl?: string }): Promise<StackState> {
  const { persistDir, redisUrl } = o;
  const byUrl = redisUrl === undefined ? {} : { redisUrl };
  if (persistDir === undefined) return { storage: memoryStorage(), redis: byUrl };
  // Loaded here, since in some versions of Node loading SQLite prints a warning that quiet-warnings.ts must be there to catch.
  const { openFileStorage } = await import("./storage/file-storage.ts");
  let storage = openFileStorage(persistDir);
  if (o.isFresh === true) {
    // Opened first all the same: nobody else's state is deleted under their feet.
    storage.close();
    deleteState(persistDir);
    storage = openFileStorage(persistDir);
  }
  return { storage, redis: { ...byUrl, snapshotFile: path.join(persistDir, "redis.snapshot") } };
}

/** Only what a stack has made there: the folder may hold other things. What was set aside as broken stays. */
function deleteState(folder: string): void {
  for (const file of readdirSync(folder)) {
    if (/^(?:stack\.sqlite(?:-wal|-shm)?|redis\.snapshot(?:\.new)?)$/.test(file)) rmSync(path.join(folder, file));
  }
}
