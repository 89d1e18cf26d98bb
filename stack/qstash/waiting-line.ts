/** Who waits, in the order of arrival; leaving from anywhere costs no walk past the others. */
export interface WaitingLine<Entry> {
  /** One that waits already keeps its place. */
  push(id: string, entry: Entry): void;
  /** Takes the one that has waited longest, undefined when nobody waits. */
  shift(): Entry | undefined;
  remove(id: string): void;
  size(): number;
}

interface Place<Entry> {
  id: string;
  entry: Entry;
  before: Place<Entry> | undefined;
  after: Place<Entry> | undefined;
}

/** A linked list: the first entry of a Map is found by walking over everything that was ever removed before it. */
export function createWaitingLine<Entry>(): WaitingLine<Entry> {
  const places = new Map<string, Place<Entry>>();
  let first: Place<Entry> | undefined;
  let last: Place<Entry> | undefined;

  function remove(id: string): void {
    const place = places.get(id);
    if (place === undefined) return;
    places.delete(id);
    if (place.before === undefined) first = place.after;
    else place.before.after = place.after;
    if (place.after === undefined) last = place.before;
    else place.after.before = place.before;
  }

  return {
    push(id, entry) {
      if (places.has(id)) return;
      const place: Place<Entry> = { id, entry, before: last, after: undefined };
      places.set(id, place);
      if (last === undefined) first = place;
      else last.after = place;
      last = place;
    },
    shift() {
      const place = first;
      if (place !== undefined) remove(place.id);
      return place?.entry;
    },
    remove,
    size: () => places.size,
  };
}
