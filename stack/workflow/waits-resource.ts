/** `POST /v2/wait/{eventId}`, `POST /v2/notify/…`, `GET /v2/waiters/{eventId}`. Source: protocol document, C.6. */
import { ApiError } from "../qstash/api-error.ts";
import type { ApiRequest, Resource } from "../qstash/route.ts";
import { eventIdCharactersMax } from "./limits.ts";
import { isRunning, type Run } from "./run.ts";
import { readRunId, viewOptions } from "./run-options.ts";
import type { RunStore } from "./run-store.ts";
import type { Notified, WaitingStep, Waits } from "./waits.ts";

export function createWaitsResource(o: { store: RunStore; waits: Waits }): Resource {
  function begin({ headers, body, callerIp }: ApiRequest, eventId: string): void {
    const runId = readRunId(headers["upstash-workflow-runid"] ?? "");
    o.waits.begin({ runId, eventId, options: headers, body, callerIp });
  }

  function notify(rest: string, body: Buffer): object[] {
    const out = body.toString("base64");
    const [, runId, encodedEventId] = /^([^/]+)\/(.+)$/s.exec(rest) ?? [];
    // An event id may hold a slash; what stands before it is a run id only if it looks like one or is one.
    const isRun = runId !== undefined && (runId.startsWith("wfr_") || o.store.latest(runId) !== undefined);
    if (!isRun || encodedEventId === undefined) return o.waits.notifyAll(readEventId(rest), out).map(viewNotified);
    return o.waits.notifyRun(find(runId), readEventId(encodedEventId), out).map(viewNotified);
  }

  function find(runId: string): Run {
    const run = o.store.latest(runId);
    if (isRunning(run)) return run;
    throw new ApiError(404, `workflow run ${runId} not found`);
  }

  return (request) => {
    const { method, path, body } = request;
    const [, collection, rest] = /^(wait|notify|waiters)\/(.+)$/s.exec(path) ?? [];
    if (rest === undefined) return undefined;
    if (collection === "wait" && method === "POST") {
      begin(request, readEventId(rest));
      return { status: 201 };
    }
    if (collection === "notify" && method === "POST") return { status: 201, value: notify(rest, body) };
    if (collection !== "waiters" || method !== "GET") return undefined;
    return { status: 200, value: o.waits.waitingFor(readEventId(rest)).map(viewWaiter) };
  };
}

/** @throws ApiError 400 */
export function readEventId(encoded: string): string {
  try {
    const eventId = decodeURIComponent(encoded);
    if (eventId.length <= eventIdCharactersMax) return eventId;
  } catch {
    // Broken percent-encoding is refused like all else that is no event id.
  }
  throw new ApiError(400, `invalid event id: ${encoded.slice(0, eventIdCharactersMax)}`);
}

function viewNotified({ step, run, messageId }: Notified): object {
  return {
    waiter: viewWaiter(step),
    messageId,
    deduplicated: false,
    error: "",
    workflowRunId: run.runId,
    workflowCreatedAt: run.createdAtMs,
  };
}

function viewWaiter({ work }: WaitingStep): object {
  return {
    url: work.delivery.url,
    headers: viewOptions(work.delivery.options),
    deadline: Math.floor(work.deadlineMs / 1_000),
    ...(work.timeoutUrl !== undefined && { timeoutUrl: work.timeoutUrl }),
    ...(work.timeoutBody !== undefined && { timeoutBody: work.timeoutBody }),
    ...(work.timeoutHeaders !== undefined && { timeoutHeaders: work.timeoutHeaders }),
  };
}
