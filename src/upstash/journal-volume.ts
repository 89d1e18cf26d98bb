/**
 * Which list holds a journal.
 *
 * The first volume is the list at the journal's own key. A compaction begins the next one under a key of its own and leaves its number at the first. So a writer who
 * does not know of the compaction can append to nothing: the lists before are gone, and the first key holds no list.
 */
import { AppError } from "../core/errors.ts";
import type { RunRef } from "../engine/journal.ts";
import type { RedisClient } from "./batch.ts";
import { isWrongType } from "./fault.ts";
import { journalKey, journalVolumeKey } from "./keys.ts";
import { readText } from "./reply.ts";

/** More than can be begun while somebody looks for the newest. */
const hopsMax = 5;

/** The keys that live and expire together with a volume. */
export function keysOf({ userId, runId, volume = 0 }: RunRef): string[] {
  const key = journalVolumeKey(userId, runId, volume);
  return volume === 0 ? [key] : [key, journalKey(userId, runId)];
}

/**
 * Makes the attempt in the volume that `ref` names, and where that is gone in the newest.
 * @param attempt answers `undefined` when there is no list.
 * @returns `undefined` when there is no such run.
 * @throws redis_unavailable (retry)
 */
export async function inVolume<T>(
  redis: RedisClient,
  ref: RunRef,
  attempt: (volume: number) => Promise<T | undefined>,
): Promise<{ readonly volume: number; readonly value: T } | undefined> {
  let volume = ref.volume ?? 0;
  for (let hop = 0; hop < hopsMax; hop += 1) {
    const found = await orMoved(attempt(volume));
    if (found !== undefined && found !== "moved") return { volume, value: found };
    // Nothing at the first key is no run; anything else says where the run is.
    if (found === undefined && volume === 0) return undefined;
    const newest = await orMoved(redis.command(["GET", journalKey(ref.userId, ref.runId)], readText));
    if (newest === undefined || Number(newest) === volume) return undefined;
    volume = newest === "moved" ? 0 : Number(newest);
  }
  throw new AppError("redis_unavailable", "the journal is compacted faster than it is found");
}

/** What a command amounts to where the journal has gone on in another volume. */
export function ifMoved<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isWrongType(error)) return value;
    throw error;
  };
}

/** `"moved"` where the key holds something else than was expected. */
function orMoved<T>(attempt: Promise<T>): Promise<T | "moved"> {
  return attempt.catch(ifMoved("moved" as const));
}
