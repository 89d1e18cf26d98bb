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

type Fact = (record: Filterable) => readonly (string | undefined)[];

const facts: Record<string, Fact> = {
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

/**
 * Whether a record passes all filters of `query`.
 * @throws ApiError 400 for a filter outside `allowed`: ignoring it would make a bulk deletion delete everything.
 */
export function readFilter(query: URLSearchParams, allowed: readonly string[]): (record: Filterable) => boolean {
  const tests: ((record: Filterable) => boolean)[] = [];
  for (const name of new Set(query.keys())) {
    if (!allowed.includes(name)) throw new ApiError(400, `unknown filter ${name}`);
    const fact = facts[name];
    if (name === "fromDate") tests.push(({ timeMs }) => timeMs >= readNumber(query, name, 0));
    else if (name === "toDate") tests.push(({ timeMs }) => timeMs <= readNumber(query, name, 0));
    // There are no workflow runs here, so nothing has this source.
    else if (name === "source") tests.push(() => query.get(name) !== "workflow");
    else if (fact !== undefined) {
      const wanted = new Set(query.getAll(name).flatMap((value) => [value, ...value.split(",")]));
      tests.push((record) => fact(record).some((value) => value !== undefined && wanted.has(value)));
    }
  }
  return (record) => tests.every((passes) => passes(record));
}

/** One page of `records`, and the cursor of the next one when there is more. The cursor is a position in the filtered list. */
export function readPage<Entry>(query: URLSearchParams, records: readonly Entry[]): { page: Entry[]; cursor?: string } {
  const count = Math.min(pageCountMax, readNumber(query, "count", pageCountDefault) || pageCountDefault);
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
