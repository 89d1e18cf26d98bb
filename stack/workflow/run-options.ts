/** Which options and headers of a trigger hold for the whole run. Source: protocol document, C.1. */
import { ApiError } from "../qstash/api-error.ts";
import { canonicalHeaderName } from "../qstash/header-names.ts";
import type { HeaderLists } from "../qstash/message.ts";
import type { Options } from "../qstash/publish-options.ts";
import { runIdCharactersMax } from "./limits.ts";

const runWideNames = new Set([
  "upstash-retries",
  "upstash-retry-delay",
  "upstash-timeout",
  "upstash-flow-control-key",
  "upstash-flow-control-value",
  "upstash-label",
  "upstash-redact-fields",
]);

/** Of these even a message to somebody else takes over its run's: how it is shown and found. */
const shownNames = new Set(["upstash-label", "upstash-redact-fields"]);

export function runWideOptions(options: Options): Options {
  return pick(options, (name) => runWideNames.has(name));
}

export function shownOptions(options: Options): Options {
  return pick(options, (name) => shownNames.has(name));
}

/** What a failure callback takes over from its run, unless it has its own. */
export function failureCallDefaults(options: Options): Options {
  return pick(options, (name) => runWideNames.has(name) && !name.startsWith("upstash-flow-control-"));
}

/** What of a request may be kept: the options for QStash, and not the token that came with them. */
export function keptOptions(options: Options): Options {
  return pick(
    options,
    (name) => name === "content-type" || (name.startsWith("upstash-") && !name.startsWith("upstash-telemetry-")),
  );
}

/** The delivered headers that are the user's; those of the protocol belong to one message each. */
export function userHeader(header: HeaderLists): HeaderLists {
  return pick(header, (name) => !name.startsWith("Upstash-Workflow-"));
}

/** @throws ApiError 400 */
export function readRunId(text: string): string {
  if (text.length <= runIdCharactersMax && /^[A-Za-z0-9_.:-]+$/.test(text)) return text;
  throw new ApiError(400, `invalid Upstash-Workflow-RunId: ${text.slice(0, runIdCharactersMax)}`);
}

/** `{Name: [value]}` as options. @throws ApiError 400 */
export function readHeaderLists(lists: unknown): Options {
  if (lists === undefined) return {};
  if (lists === null || typeof lists !== "object") throw new ApiError(400, "headers are an object of lists");
  return Object.fromEntries(
    Object.entries(lists).map(([name, values]) => {
      const [value] = [values as unknown].flat();
      if (typeof value !== "string") throw new ApiError(400, `invalid header ${JSON.stringify(name)}`);
      return [name.toLowerCase(), value];
    }),
  );
}

/** Options as header lists, as the API shows them. */
export function viewOptions(options: Options): HeaderLists {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [canonicalHeaderName(name), [value]]));
}

function pick<Value>(record: Record<string, Value>, isWanted: (name: string) => boolean): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => isWanted(name)));
}
