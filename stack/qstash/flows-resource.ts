/** `/v2/flowControl` and `GET /v2/globalParallelism`. Pausing and pinning make a key; everything else needs it to exist. */
import { ApiError } from "./api-error.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { parseDurationMs } from "./durations.ts";
import type { Flow, FlowGate } from "./flow-gate.ts";
import { flowLimitMax, flowPeriodMsMax } from "./limits.ts";
import type { Resource } from "./route.ts";

type Change = Parameters<FlowGate["change"]>[1];

export function createFlowsResource(o: { flowGate: FlowGate; dispatcher: Dispatcher }): Resource {
  function find(key: string): Flow {
    const flow = o.flowGate.get(key);
    if (flow === undefined) throw new ApiError(404, `flow control key ${key} not found`);
    return flow;
  }

  return ({ method, path, query }) => {
    if (path === "flowControl" && method === "GET") return { status: 200, value: o.flowGate.list().map(viewFlow) };
    if (path === "globalParallelism" && method === "GET") {
      // 0 reads "no limit", as it does for a key: this server has none over all keys.
      return { status: 200, value: { parallelismMax: 0, parallelismCount: o.dispatcher.attemptCount() } };
    }
    const [, encodedKey, action] = /^flowControl\/([^/]+)(?:\/([A-Za-z]+))?$/.exec(path) ?? [];
    if (encodedKey === undefined) return undefined;
    const key = decoded(encodedKey);
    if (action === undefined) return method === "GET" ? { status: 200, value: viewFlow(find(key)) } : undefined;
    const change = method === "POST" ? readChange(action, query) : undefined;
    if (change === undefined) return undefined;
    if (action !== "pause" && action !== "pin") find(key);
    o.flowGate.change(key, change);
    return { status: 200 };
  };
}

/** Undefined for an unknown action. */
function readChange(action: string, query: URLSearchParams): Change | undefined {
  switch (action) {
    case "pause":
      return { isPaused: true };
    case "resume":
      return { isPaused: false };
    case "pin":
      return readPin(query);
    case "unpin":
      return readUnpin(query);
    case "resetRate":
      return { periodStartMs: 0, startedInPeriod: 0 };
    default:
      return undefined;
  }
}

/** Pins what is named. A period is that of a rate, so it is refused without one. */
function readPin(query: URLSearchParams): Change {
  const parallelism = readCount(query, "parallelism");
  const rate = readCount(query, "rate");
  if (parallelism === undefined && rate === undefined) throw new ApiError(400, "pin needs parallelism or rate");
  const period = query.get("period") ?? "1";
  const periodMs = /^\d+$/.test(period) ? Number(period) * 1_000 : parseDurationMs(period);
  if (periodMs === undefined || periodMs <= 0 || periodMs > flowPeriodMsMax)
    throw new ApiError(400, `invalid period: ${period}`);
  if (query.has("period") && rate === undefined) throw new ApiError(400, "period needs rate");
  return {
    ...(parallelism !== undefined && { parallelism, isParallelismPinned: true }),
    ...(rate !== undefined && { rate, periodMs, isRatePinned: true }),
  };
}

/** The pinned values stay until the next message brings its own. */
function readUnpin(query: URLSearchParams): Change {
  const isNamed = (name: string) => query.get(name) === "true";
  if (!isNamed("parallelism") && !isNamed("rate")) throw new ApiError(400, "unpin needs parallelism=true or rate=true");
  return {
    ...(isNamed("parallelism") && { isParallelismPinned: false }),
    ...(isNamed("rate") && { isRatePinned: false }),
  };
}

function readCount(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > flowLimitMax) throw new ApiError(400, `invalid ${name}: ${text}`);
  return count;
}

function viewFlow({ limits, waiting, active }: Flow): object {
  return {
    flowControlKey: limits.key,
    waitListSize: waiting.size(),
    parallelismMax: limits.parallelism ?? 0,
    parallelismCount: active.size,
    rateMax: limits.rate ?? 0,
    rateCount: limits.startedInPeriod,
    ratePeriod: limits.periodMs / 1_000,
    ratePeriodStart: Math.floor(limits.periodStartMs / 1_000),
    isPaused: limits.isPaused,
    isPinnedParallelism: limits.isParallelismPinned,
    isPinnedRate: limits.isRatePinned,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "invalid flow control key: broken percent-encoding");
  }
}
