/** `/v2/workflows/runs`: the steps of a run for its endpoint, its end, and how runs are cancelled. */
import { ApiError } from "../qstash/api-error.ts";
import { readPage } from "../qstash/filters.ts";
import { idIn, type ApiRequest, type Resource } from "../qstash/route.ts";
import { cancelCountDefault } from "./limits.ts";
import { isRunning, type Run } from "./run.ts";
import { viewRawSteps } from "./run-attempt.ts";
import { readCancelFilter } from "./run-filters.ts";
import type { RunStore } from "./run-store.ts";
import type { Runs } from "./runs.ts";

export function createRunsResource(o: { store: RunStore; runs: Runs }): Resource {
  /** A run that is over is not found: the SDK takes this as its end. */
  function findRunning(runId: string): Run {
    const run = find(runId);
    if (isRunning(run)) return run;
    throw new ApiError(404, `workflow run ${runId} is over`);
  }

  function find(runId: string): Run {
    const run = o.store.latest(runId);
    if (run === undefined) throw new ApiError(404, `workflow run ${runId} not found`);
    return run;
  }

  function end(runId: string, { query, body }: ApiRequest): void {
    if (readCancel(query)) return o.runs.end(findRunning(runId), { state: "RUN_CANCELED" });
    const response = body.length > 0 ? { response: body.toString("utf8") } : {};
    // A delivery that comes twice finishes its run twice: the second time nothing happens, and all is well.
    o.runs.end(find(runId), { state: "RUN_SUCCESS", ...response });
  }

  function cancelMany({ query, body }: ApiRequest): { cancelled: number } {
    // Elsewhere filters may stand in a body; one that is ignored would cancel everything.
    if (body.length > 0) throw new ApiError(400, "filters stand in the query");
    const wanted = o.store.list().filter(isRunning).filter(readCancelFilter(query));
    const counts = { byDefault: cancelCountDefault, max: Number.MAX_SAFE_INTEGER };
    const { page } = readPage(query, wanted, counts);
    for (const run of page) o.runs.end(run, { state: "RUN_CANCELED" });
    return { cancelled: page.length };
  }

  return (request) => {
    const { method, path } = request;
    if (path === "workflows/runs" && method === "DELETE") return { status: 200, value: cancelMany(request) };
    const runId = idIn(path, "workflows/runs");
    if (runId === undefined) return undefined;
    if (method === "GET") return { status: 200, value: viewRawSteps(o.store.steps.of(findRunning(runId).key)) };
    if (method !== "DELETE") return undefined;
    end(runId, request);
    return { status: 200 };
  };
}

/** Whether the run is cancelled, and not finished. @throws ApiError 400 */
function readCancel(query: URLSearchParams): boolean {
  for (const name of query.keys()) {
    if (name !== "cancel" && name !== "qstash_token") throw new ApiError(400, `unknown filter ${name}`);
  }
  const text = query.get("cancel") ?? "true";
  if (text === "true" || text === "false") return text === "true";
  throw new ApiError(400, `invalid cancel: ${text}`);
}
