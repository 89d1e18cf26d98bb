/**
 * Ids of events: `<generation>-<seq>`.
 *
 * A generation is the unix time in ms at which a writer took over a conversation's log, pushed up by one where two would be
 * equal; `seq` counts that writer's records from 0. So ids only grow, also after the list has expired. Clients treat them as opaque.
 */
export interface EventId {
  readonly generation: number;
  readonly seq: number;
}

/** The place before every event; a reader that starts here gets all that is retained. */
export const beforeAllEvents: EventId = { generation: 0, seq: 0 };

export function formatEventId(id: EventId): string {
  return `${id.generation}-${id.seq}`;
}

/** The id, or `undefined` for anything that this server cannot have issued. */
export function parseEventId(text: string): EventId | undefined {
  const match = /^(\d{1,15})-(\d{1,9})$/.exec(text);
  if (match === null) return undefined;
  return { generation: Number(match[1]), seq: Number(match[2]) };
}

/** Negative when `a` comes before `b`, 0 when they are the same event. */
export function compareEventIds(a: EventId, b: EventId): number {
  return a.generation - b.generation || a.seq - b.seq;
}
