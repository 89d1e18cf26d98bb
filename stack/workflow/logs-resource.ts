/** `GET /v2/workflows/events?groupBy=workflowRunId`, which the SDK asks for, and its documented twin `GET /v2/workflows/logs`. */
import { ApiError } from "../qstash/api-error.ts";
import { readPage } from "../qstash/filters.ts";
import type { Resource } from "../qstash/route.ts";
import { logPageCountMax } from "./limits.ts";
import { readLogFilter } from "./run-filters.ts";
import type { RunLog } from "./run-log.ts";
import type { RunStore } from "./run-store.ts";

/** The newest run first. */
export function createLogsResource(o: { store: RunStore; log: RunLog }): Resource {
  return ({ method, path, query }) => {
    const isEvents = path === "workflows/events";
    if (method !== "GET" || (!isEvents && path !== "workflows/logs")) return undefined;
    const groupBy = query.get("groupBy") ?? (isEvents ? "" : "workflowRunId");
    if (groupBy !== "workflowRunId") throw new ApiError(400, "only groupBy=workflowRunId is supported");
    const wanted = o.store.list().toReversed().filter(readLogFilter(query, o.log.groupsOf));
    const { page, ...cursor } = readPage(query, wanted, { byDefault: logPageCountMax, max: logPageCountMax });
    return { status: 200, value: { runs: page.map(o.log.view), ...cursor } };
  };
}
