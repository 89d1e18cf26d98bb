/**
 * Where the stack keeps its records, so that whoever keeps them need not know whether they outlive the process.
 *
 * Records are plain values without behaviour: what JSON can hold, and Buffers. A record may be changed in place, but only
 * what was `put` after the change is certain to be there after a restart.
 */
export interface Collection<Entry> {
  get(id: string): Entry | undefined;
  /** Adds the record or replaces it; a replaced one keeps its place in the order. */
  put(id: string, entry: Entry): void;
  /** False when there was none. */
  remove(id: string): boolean;
  /** The one that was added before all others, undefined when there is none. */
  first(): Entry | undefined;
  /** In the order of their addition. */
  values(): Entry[];
  size(): number;
}

export interface Storage {
  /** The collection of this name, with what it held before; each name is asked for once. */
  collection<Entry>(name: string): Collection<Entry>;
  /**
   * Resolves when what was put or removed so far outlives this process, all of it or nothing: at the end of this turn of the
   * event loop, so that everything of a turn is written in one go. False when it could not be written; that is reported here,
   * and the next turn with a change tries again.
   */
  flushed(): Promise<boolean>;
  /** Writes what is left, and lets others use the folder. Idempotent. */
  close(): void;
}

/** Forgets everything when the process ends. */
export function memoryStorage(): Storage {
  const done = Promise.resolve(true);
  return { collection: () => memoryCollection(new Map()), flushed: () => done, close: () => {} };
}

/** A collection over a map that it takes over. */
export function memoryCollection<Entry>(entries: Map<string, Entry>): Collection<Entry> {
  return {
    get: (id) => entries.get(id),
    put: (id, entry) => void entries.set(id, entry),
    remove: (id) => entries.delete(id),
    first: () => entries.values().next().value,
    values: () => [...entries.values()],
    size: () => entries.size,
  };
}
