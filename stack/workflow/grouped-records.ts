import type { Collection } from "../storage/collection.ts";

/** Records that are found by their id or by the group that they belong to; the groups are an index, made anew from the records. */
export interface GroupedRecords<Entry> {
  get(id: string): Entry | undefined;
  /** In the order of their addition. */
  of(group: string): Entry[];
  countOf(group: string): number;
  all(): Entry[];
  /** Adds the record or replaces it. */
  put(entry: Entry): void;
  remove(entry: Entry): void;
  removeGroup(group: string): void;
}

export function groupRecords<Entry>(o: {
  records: Collection<Entry>;
  idOf: (entry: Entry) => string;
  groupOf: (entry: Entry) => string;
}): GroupedRecords<Entry> {
  const groups = new Map<string, Map<string, Entry>>();
  for (const entry of o.records.values()) index(entry);

  function index(entry: Entry): void {
    const group = groups.get(o.groupOf(entry)) ?? new Map<string, Entry>();
    groups.set(o.groupOf(entry), group.set(o.idOf(entry), entry));
  }

  function remove(entry: Entry): void {
    const group = groups.get(o.groupOf(entry));
    o.records.remove(o.idOf(entry));
    group?.delete(o.idOf(entry));
    if (group?.size === 0) groups.delete(o.groupOf(entry));
  }

  const of = (group: string) => [...(groups.get(group)?.values() ?? [])];

  return {
    get: (id) => o.records.get(id),
    of,
    countOf: (group) => groups.get(group)?.size ?? 0,
    all: () => o.records.values(),
    put(entry) {
      o.records.put(o.idOf(entry), entry);
      index(entry);
    },
    remove,
    removeGroup: (group) => of(group).forEach(remove),
  };
}
