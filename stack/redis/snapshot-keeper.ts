/**
 * Lets the data of a Redis outlive the process: a snapshot in a file, taken when something was written, and at the end.
 *
 * Invariants:
 * 1. The file is a whole snapshot at each moment: a new one replaces the old one by a rename.
 * 2. A process that is killed loses what was written since the last snapshot: `intervalMs`, or so long that snapshots take at
 *    most a fiftieth of the time.
 * 3. A file that cannot be restored is set aside and reported; it is never deleted, and Redis begins empty.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { restoreSnapshot, takeSnapshot, type Exchange } from "./snapshot.ts";

export interface SnapshotKeeper {
  /** Takes the last snapshot, if there is anything new. Idempotent. */
  close(): Promise<void>;
}

export interface SnapshotKeeperOptions {
  exchange: Exchange;
  /** Its folder must exist. */
  file: string;
  /** Does the work when nobody is in the middle of something that takes several commands. */
  inTurn<T>(work: () => T): Promise<T>;
}

const intervalMs = 2_000;
const intervalPerDuration = 50;

/** Restores what the file holds into an empty Redis, then keeps the file up to date. */
export function keepSnapshots({ exchange, file, inTurn }: SnapshotKeeperOptions): SnapshotKeeper {
  if (existsSync(file)) restoreFile(exchange, file);
  let savedChanges = changesOf(exchange);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let hasFailed = false;
  goOn(intervalMs);

  /** Answers how long it took. */
  function save(): number {
    const startedAtMs = performance.now();
    try {
      const changes = changesOf(exchange);
      if (changes === savedChanges) return 0;
      writeFileSync(`${file}.new`, takeSnapshot(exchange));
      renameSync(`${file}.new`, file);
      savedChanges = changes;
      hasFailed = false;
    } catch (cause) {
      if (!hasFailed) console.error(`The data of Redis could not be saved to ${file}:`, cause);
      hasFailed = true;
    }
    return performance.now() - startedAtMs;
  }

  function goOn(waitMs: number): void {
    if (isClosed) return;
    timer = setTimeout(() => {
      void inTurn(save).then((tookMs) => goOn(Math.max(intervalMs, tookMs * intervalPerDuration)));
    }, waitMs);
    timer.unref();
  }

  return {
    async close() {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      await inTurn(save);
    },
  };
}

function restoreFile(exchange: Exchange, file: string): void {
  try {
    restoreSnapshot(exchange, readFileSync(file));
  } catch (cause) {
    const aside = `${file}.broken-${Date.now()}`;
    renameSync(file, aside);
    const reason = cause instanceof Error ? cause.message : String(cause);
    console.error(`${file} could not be restored (${reason}). It was set aside as ${aside}, and Redis begins empty.`);
  }
}

/** How often the data was changed since Redis started. Source: INFO, section "persistence"; nothing else resets it here. */
function changesOf(exchange: Exchange): number {
  const [reply] = exchange([["INFO", "persistence"]]);
  const text = Buffer.isBuffer(reply) ? reply.toString() : "";
  const [, count] = /rdb_changes_since_last_save:(\d+)/.exec(text) ?? [];
  if (count === undefined) throw new Error("INFO does not tell how much was changed");
  return Number(count);
}
