/** Keys, counted by what stands before the user's id in their names, such as conversations or runs. */
export type KeyCounts = Readonly<Record<string, number>>;

/** Takes what is kept of a user out of the storage. Ids are validated before they come here. Each method is safe to repeat. */
export interface Eraser {
  /**
   * What the user's own indices name; sessions and API keys first, so that nobody comes in any more. At most `limits.eraseRunsMax` runs at a time.
   * 3 round trips; 4 billed commands to read, 1 for each kind, at most 3 for the registries and indices.
   */
  eraseIndexed(userId: string): Promise<{ readonly erased: KeyCounts; readonly isMore: boolean }>;
  /**
   * Whatever else has the user's id in its key, on one stretch of the way through all keys of the storage. A key that is there all the way is found.
   * At most `limits.eraseScansMax` + 2 round trips, 1 billed command for each thousand keys of the storage.
   * @param from where the stretch begins: what the one before gave as `next`, or `start`.
   */
  eraseStretch(
    userId: string,
    from: string,
  ): Promise<{ readonly erased: KeyCounts; readonly next: string | undefined }>;
}

/** Where the way through all keys begins. */
export const start = "0";

export const nothingErased: KeyCounts = {};

export function addCounts(one: KeyCounts, other: KeyCounts): KeyCounts {
  const kinds = [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted();
  return Object.fromEntries(kinds.map((kind) => [kind, (one[kind] ?? 0) + (other[kind] ?? 0)]));
}

export function totalOf(counts: KeyCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
