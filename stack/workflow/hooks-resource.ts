/**
 * `/v2/workflows/hooks/{UserID}/{runId}/{eventId}`: the webhooks of runs. Whoever knows the URL may call it, without a token
 * and by any method. Source: protocol document, C.6.
 */
import { ApiError } from "../qstash/api-error.ts";
import { canonicalHeaderName, isDeliverableHeader } from "../qstash/header-names.ts";
import type { ApiRequest, Resource } from "../qstash/route.ts";
import { isRunning } from "./run.ts";
import type { RunStore } from "./run-store.ts";
import type { Waits } from "./waits.ts";
import { readEventId } from "./waits-resource.ts";

export function createHooksResource(o: { store: RunStore; waits: Waits; token: string }): Resource {
  const ownUserId = userIdOf(o.token);

  return (request) => {
    const [, userId, runId, eventId] = /^workflows\/hooks\/([^/]+)\/([^/]+)\/(.+)$/s.exec(request.path) ?? [];
    if (userId === undefined || runId === undefined || eventId === undefined) return undefined;
    const run = o.store.latest(runId);
    if (userId !== ownUserId || !isRunning(run)) throw new ApiError(404, "webhook not found");
    const call = Buffer.from(JSON.stringify(viewCall(request))).toString("base64");
    o.waits.notifyRun(run, readEventId(eventId), call);
    return { status: 200, value: {} };
  };
}

/** What the SDK makes a `Request` of. */
function viewCall({ method, path, rawQuery, headers, body }: ApiRequest): object {
  const own = Object.entries(headers).filter(([name]) => isDeliverableHeader(name));
  return {
    method,
    header: Object.fromEntries(own.map(([name, value]) => [canonicalHeaderName(name), [value]])),
    body: body.toString("base64"),
    proto: "http",
    host: headers["host"] ?? "127.0.0.1",
    url: `/v2/${path}${rawQuery === "" ? "" : `?${rawQuery}`}`,
  };
}

/** The SDK reads it from the token too; with a token of another form it makes no webhooks. */
function userIdOf(token: string): string | undefined {
  try {
    const { UserID } = JSON.parse(Buffer.from(token, "base64").toString("utf8")) as { UserID?: string };
    return UserID;
  } catch {
    return undefined;
  }
}
