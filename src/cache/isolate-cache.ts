/**
 * What one isolate remembers for a short time: texts, never promises or connections, for those belong to the request that made them.
 *
 * N1 It is bounded in entries and bytes; the one that was used longest ago goes first.
 * N2 What was read before something was forgotten is not kept after it: `moment` at the reading tells.
 */
export interface IsolateEntry {
  readonly key: string;
  readonly text: string;
  /** Unix ms. */
  readonly until: number;
  readonly tags?: readonly string[];
}

export interface IsolateCache {
  get(key: string, nowMs: number): string | undefined;
  /** Counts what was forgotten; to be taken before the reading of what is put. */
  moment(): number;
  put(entry: IsolateEntry, readAt: number): void;
  forget(key: string): void;
  forgetTag(tag: string): void;
}

export interface IsolateBounds {
  readonly entriesMax: number;
  /** Of keys and texts, at two bytes for each character. */
  readonly bytesMax: number;
}

export function createIsolateCache({ entriesMax, bytesMax }: IsolateBounds): IsolateCache {
  /** The one that was used longest ago comes first. */
  const entries = new Map<string, IsolateEntry>();
  let bytes = 0;
  let forgotten = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    bytes -= bytesOf(entry);
  }

  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.until <= nowMs) {
        remove(key);
        return undefined;
      }
      entries.delete(key);
      entries.set(key, entry);
      return entry.text;
    },
    moment: () => forgotten,
    put(entry, readAt) {
      if (readAt !== forgotten) return;
      remove(entry.key);
      if (bytesOf(entry) > bytesMax) return;
      entries.set(entry.key, entry);
      bytes += bytesOf(entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax && bytes <= bytesMax) break;
        remove(oldest);
      }
    },
    forget(key) {
      forgotten += 1;
      remove(key);
    },
    forgetTag(tag) {
      forgotten += 1;
      for (const { key, tags } of entries.values()) if (tags?.includes(tag) === true) remove(key);
    },
  };
}

function bytesOf({ key, text }: IsolateEntry): number {
  return 2 * (key.length + text.length);
}
