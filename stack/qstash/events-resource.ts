/** `GET /v2/events` and its documented twin `GET /v2/logs`, the newest first. */
import type { EventLog } from "./event-log.ts";
import { eventFilters, readFilter, readPage } from "./filters.ts";
import { viewEvent } from "./message-views.ts";
import type { Resource } from "./route.ts";

export function createEventsResource(events: EventLog): Resource {
  return ({ method, path, query }) => {
    if (method !== "GET" || (path !== "events" && path !== "logs")) return undefined;
    const isWanted = readFilter(query, eventFilters);
    const wanted = events.list().filter(({ message, timeMs, state }) => isWanted({ message, timeMs, state }));
    const { page, ...cursor } = readPage(query, wanted);
    return { status: 200, value: { [path]: page.map(viewEvent), ...cursor } };
  };
}
