/**
 * The query filters of lists and of bulk actions: OR within one filter (repeated, or a comma list), AND between filters.
 * Source: protocol document, B.1.
 */
import { ApiError } from "./api-error.ts";
import type { Message } from "./message.ts";
import { pageCountDefault, pageCountMax } from "./limits.ts";

/** What any filter may look at. */
export interface Filterable {
  message: Message;
  timeMs: number;
  state?: string;
  responseStatus?: number;
  dlqId?: string;
}

/** What a filter compares itself with. */
export type Facts<Entry> = Record<string, (record: Entry) => readonly (string | undefined)[]>;

const messageFacts: Facts<Filterable> = {
  messageId: ({ message }) => [message.messageId],
  messageIds: ({ message }) => [message.messageId],
  dlqIds: ({ dlqId }) => [dlqId],
  url: ({ message }) => [message.url],
  host: ({ message }) => [new URL(message.url).host, new URL(message.url).hostname],
  path: ({ message }) => [new URL(message.url).pathname],
  topicName: ({ message }) => [message.topicName],
  queueName: ({ message }) => [message.queueName],
  scheduleId: ({ message }) => [message.scheduleId],
  label: ({ message }) => message.labels,
  flowControlKey: ({ message }) => [message.flowControl?.key],
  callerIp: ({ message }) => [message.callerIp],
  state: ({ state }) => [state],
  // What belongs to a workflow run is listed elsewhere.
  source: () => ["qstash"],
  responseStatus: ({ responseStatus }) => [responseStatus === undefined ? undefined : String(responseStatus)],
};

const sharedNames = [
  "url",
  "topicName",
  "queueName",
  "scheduleId",
  "label",
  "flowControlKey",
  "callerIp",
  "fromDate",
  "toDate",
];
const paging = ["count", "cursor"];
const token = "qstash_token";

export const messageFilters = [...sharedNames, "messageIds", "host", "path", "count", token];
/** Without `host` and `path`: production refuses them here. */
export const deadLetterFilters = [...sharedNames, ...paging, "dlqIds", "messageId", "responseStatus", "source", token];
export const eventFilters = [...sharedNames, ...paging, "messageId", "messageIds", "state", "host", "path", token];

/** Whether a record passes all filters of `query`. @throws ApiError 400 for a filter outside `allowed`. */
export function readFilter(query: URLSearchParams, allowed: readonly string[]): (record: Filterable) => boolean {
  return readFilterOf(query, { allowed, facts: messageFacts, timeMs: ({ timeMs }) => timeMs });
}

/**
 * Whether a record of any kind passes all filters of `query`; `timeMs` is what its dates are compared with.
 * @throws ApiError 400 for a filter outside `allowed`: ignoring it would make a bulk deletion delete everything.
 */
export function readFilterOf<Entry>(
  query: URLSearchParams,
  o: { allowed: readonly string[]; facts: Facts<Entry>; timeMs: (record: Entry) => number },
): (record: Entry) => boolean {
  const tests: ((record: Entry) => boolean)[] = [];
  for (const name of new Set(query.keys())) {
    if (!o.allowed.includes(name)) throw new ApiError(400, `unknown filter ${name}`);
    const fact = o.facts[name];
    const limitMs = name === "fromDate" || name === "toDate" ? readNumber(query, name, 0) : 0;
    if (name === "fromDate") tests.push((record) => o.timeMs(record) >= limitMs);
    else if (name === "toDate") tests.push((record) => o.timeMs(record) <= limitMs);
    else if (fact !== undefined) {
      const wanted = wantedBy(query, name);
      tests.push((record) => fact(record).some((value) => value !== undefined && wanted.has(value)));
    }
  }
  return (record) => tests.every((passes) => passes(record));
}

/** The values that a filter names, repeated or as a comma list; a value that holds a comma is meant as a whole too. */
function wantedBy(query: URLSearchParams, name: string): Set<string> {
  return new Set(query.getAll(name).flatMap((value) => [value, ...value.split(",")]));
}

/** One page of `records`, and the cursor of the next one when there is more. The cursor is a position in the filtered list. */
export function readPage<Entry>(
  query: URLSearchParams,
  records: readonly Entry[],
  counts = { byDefault: pageCountDefault, max: pageCountMax },
): { page: Entry[]; cursor?: string } {
  const count = Math.min(counts.max, readNumber(query, "count", counts.byDefault) || counts.byDefault);
  const start = readNumber(query, "cursor", 0);
  const end = start + count;
  const page = records.slice(start, end);
  return end < records.length ? { page, cursor: String(end) } : { page };
}

/** How many records a bulk action may take: as many as `count` says, and without it all. */
export function readCount(query: URLSearchParams): number {
  return readNumber(query, "count", Number.POSITIVE_INFINITY);
}

function readNumber(query: URLSearchParams, name: string, absent: number): number {
  const text = query.get(name);
  if (text === null || text === "") return absent;
  if (!/^\d{1,16}$/.test(text)) throw new ApiError(400, `invalid ${name}: ${text}`);
  return Number(text);
}
