/**
 * `/v2/workflows/dlq`: the runs that failed. `/v2/dlq` answers for them too where a caller asks for `source=workflow`, as the
 * SDK does, or names one by its id. Source: protocol document, C.9.
 */
import { ApiError } from "../qstash/api-error.ts";
import { readPage } from "../qstash/filters.ts";
import { viewMessage, viewOutcome } from "../qstash/message-views.ts";
import type { Options } from "../qstash/publish-options.ts";
import { idIn, type ApiAnswer, type ApiRequest, type Resource } from "../qstash/route.ts";
import { deadLetterActionCountMax, deadLetterPageCountMax } from "./limits.ts";
import type { Run, RunDeadLetter } from "./run.ts";
import type { RunFailures } from "./run-failures.ts";
import { readLetterFilter } from "./run-filters.ts";
import type { RunRetries } from "./run-retries.ts";
import type { RunStore } from "./run-store.ts";

interface DeadLetterParts {
  store: RunStore;
  failures: RunFailures;
  retries: RunRetries;
}

const pageCounts = { byDefault: deadLetterPageCountMax, max: deadLetterPageCountMax };
const actionCounts = { byDefault: deadLetterActionCountMax, max: deadLetterActionCountMax };

export function createRunDeadLettersResource(o: DeadLetterParts): Resource {
  const runOf = ({ runKey }: RunDeadLetter) => o.store.get(runKey);

  function select(query: URLSearchParams, counts: typeof pageCounts): { page: RunDeadLetter[]; cursor?: string } {
    const wanted = o.store.deadLetters.values().toReversed().filter(readLetterFilter(query, runOf));
    return readPage(query, wanted, counts);
  }

  function list(query: URLSearchParams): ApiAnswer {
    const { page, ...cursor } = select(query, pageCounts);
    return { status: 200, value: { messages: page.map((letter) => viewLetter(letter, runOf(letter))), ...cursor } };
  }

  function removeMany(query: URLSearchParams): ApiAnswer {
    const { page, cursor } = select(query, pageCounts);
    for (const { dlqId } of page) o.store.deadLetters.remove(dlqId);
    return { status: 200, value: { deleted: page.length, ...rest(cursor) } };
  }

  function find(dlqId: string): { letter: RunDeadLetter; run: Run } {
    const letter = o.store.deadLetters.get(dlqId);
    const run = letter && runOf(letter);
    if (letter === undefined || run === undefined) throw new ApiError(404, `dead letter ${dlqId} not found`);
    return { letter, run };
  }

  function retry(dlqId: string, action: keyof RunRetries, overrides: Options): object {
    const again = o.retries[action](find(dlqId).run, overrides);
    o.store.deadLetters.remove(dlqId);
    return { workflowRunId: again.runId, workflowCreatedAt: again.createdAtMs };
  }

  function retryMany({ query, headers }: ApiRequest, action: keyof RunRetries): ApiAnswer {
    const { page, cursor } = select(query, actionCounts);
    // Before the first is taken: an id that is not there refuses all.
    for (const dlqId of query.getAll("dlqIds").flatMap((value) => value.split(","))) find(dlqId);
    const workflowRuns = page.map(({ dlqId }) => retry(dlqId, action, headers));
    return { status: 200, value: { workflowRuns, ...rest(cursor) } };
  }

  /** The call that told of a failure: once more, or called off. */
  function steerCall(dlqId: string, method: string): ApiAnswer | undefined {
    const { letter, run } = find(dlqId);
    if (method === "POST") o.failures.repeatCall(run, letter);
    else if (method === "DELETE") o.failures.cancelCall(run);
    else return undefined;
    return { status: 200, value: { workflowRunId: run.runId, workflowCreatedAt: run.createdAtMs } };
  }

  function one(dlqId: string, method: string): ApiAnswer | undefined {
    const { letter, run } = find(dlqId);
    if (method === "GET") return { status: 200, value: viewLetter(letter, run) };
    if (method !== "DELETE") return undefined;
    o.store.deadLetters.remove(dlqId);
    return { status: 200 };
  }

  /** Of the routes of QStash those that are about a run. */
  function inQstash({ method, path, query }: ApiRequest): ApiAnswer | undefined {
    if (path === "dlq" && query.get("source") === "workflow") {
      if (method === "GET") return list(query);
      return method === "DELETE" ? removeMany(query) : undefined;
    }
    const dlqId = idIn(path, "dlq");
    return dlqId === undefined || o.store.deadLetters.get(dlqId) === undefined ? undefined : one(dlqId, method);
  }

  return (request) => {
    const { method, path, query, headers } = request;
    if (path === "workflows/dlq" && method === "GET") return list(query);
    if (path === "workflows/dlq" && method === "DELETE") return removeMany(query);
    const [, action, dlqId] = /^workflows\/dlq\/(resume|restart|callback)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (action === "callback") return dlqId === undefined ? undefined : steerCall(dlqId, method);
    if (action === "resume" || action === "restart") {
      if (method !== "POST") return undefined;
      return dlqId === undefined ? retryMany(request, action) : { status: 200, value: retry(dlqId, action, headers) };
    }
    const letterId = idIn(path, "workflows/dlq");
    return letterId === undefined ? inQstash(request) : one(letterId, method);
  };
}

/** What was taken no longer has a place: the rest begins at the start again. */
function rest(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor: "0" };
}

function viewLetter(letter: RunDeadLetter, run: Run | undefined): object {
  const call = run?.failureCall;
  const failureCallback = letter.message.failureCallback ?? run?.failureCallback;
  return {
    dlqId: letter.dlqId,
    ...viewMessage(letter.message),
    ...(failureCallback !== undefined && { failureCallback: failureCallback.url }),
    ...viewOutcome(letter.outcome),
    ...(call !== undefined && {
      failureCallbackInfo: {
        state: call.state,
        ...(call.response !== undefined && {
          responseStatus: call.response.status,
          responseBody: call.response.body.toString("utf8"),
          responseHeaders: call.response.header,
        }),
      },
    }),
  };
}
