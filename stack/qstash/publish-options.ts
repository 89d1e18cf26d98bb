/** Reads the `Upstash-*` options of one message. Source: protocol document, B.3. Throws ApiError 400 or 412 throughout. */
import { validateHeaderName, validateHeaderValue } from "node:http";
import { ApiError } from "./api-error.ts";
import { readDestination } from "./destination.ts";
import { parseDurationMs } from "./durations.ts";
import { canonicalHeaderName, isDeliverableHeader } from "./header-names.ts";
import {
  delayMsMax,
  flowPeriodMsMax,
  retryCountDefault,
  retryCountMax,
  timeoutMsDefault,
  timeoutMsMax,
} from "./limits.ts";
import type { CallbackTarget, FlowControl, HeaderLists, Message } from "./message.ts";
import { readRedaction } from "./redaction.ts";
import { parseRetryDelay } from "./retry-delay.ts";

/** Publish options by lower-case header name, from request headers, query parameters or a batch item. */
export type Options = Record<string, string>;

type Configured = Omit<Message, "messageId" | "url" | "body" | "callerIp" | "createdAtMs" | "retried">;

const methods = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
const forwardPrefix = "upstash-forward-";

/** Everything of a message that its options decide. `nowMs` is when the delay begins. */
export function readOptions(options: Options, nowMs: number): Configured {
  const retryDelayExpression = options["upstash-retry-delay"];
  if (retryDelayExpression !== undefined) parseRetryDelay(retryDelayExpression);
  const callback = readCallback(options, "upstash-callback", nowMs);
  const failureCallback = readCallback(options, "upstash-failure-callback", nowMs);
  const flowControl = readFlowControl(options);
  const redaction = readRedaction(listOf(options["upstash-redact-fields"]));
  return {
    method: readMethod(options),
    header: readDeliveredHeader(options),
    maxRetries: readRetries(options),
    timeoutMs: readTimeoutMs(options),
    notBeforeMs: readNotBeforeMs(options, nowMs),
    labels: listOf(options["upstash-label"]),
    ...(retryDelayExpression !== undefined && { retryDelayExpression }),
    ...(callback !== undefined && { callback }),
    ...(failureCallback !== undefined && { failureCallback }),
    ...(flowControl !== undefined && { flowControl }),
    ...(redaction !== undefined && { redaction }),
  };
}

function readMethod(options: Options): string {
  const method = (options["upstash-method"] ?? "POST").toUpperCase();
  if (!methods.has(method)) throw new ApiError(400, `invalid Upstash-Method: ${method}`);
  return method;
}

function readRetries(options: Options): number {
  const text = options["upstash-retries"];
  if (text === undefined) return retryCountDefault;
  if (!/^\d+$/.test(text.trim())) throw new ApiError(400, `invalid Upstash-Retries: ${text}`);
  const retries = Number(text);
  if (retries > retryCountMax) throw quotaExceeded("maxRetries", retryCountMax, text);
  return retries;
}

function readTimeoutMs(options: Options): number {
  const text = options["upstash-timeout"];
  if (text === undefined) return timeoutMsDefault;
  const timeoutMs = parseDurationMs(text);
  if (timeoutMs === undefined || timeoutMs <= 0) throw new ApiError(400, `invalid Upstash-Timeout: ${text}`);
  if (timeoutMs > timeoutMsMax) throw quotaExceeded("maxTimeout", `${timeoutMsMax}ms`, text);
  return timeoutMs;
}

function readNotBeforeMs(options: Options, nowMs: number): number {
  const notBefore = options["upstash-not-before"];
  const delay = options["upstash-delay"];
  let startMs = nowMs;
  if (notBefore !== undefined) {
    if (!/^\d+$/.test(notBefore.trim())) throw new ApiError(400, `invalid Upstash-Not-Before: ${notBefore}`);
    startMs = Number(notBefore) * 1_000;
  } else if (delay !== undefined) {
    const delayMs = parseDurationMs(delay);
    if (delayMs === undefined) throw new ApiError(400, `invalid Upstash-Delay: ${delay}`);
    startMs = nowMs + Math.round(delayMs);
  }
  if (startMs - nowMs > delayMsMax) throw quotaExceeded("maxDelay", `${delayMsMax}ms`, notBefore ?? delay ?? "");
  return startMs;
}

function readDeliveredHeader(options: Options): HeaderLists {
  const header: HeaderLists = {};
  const isForwardingAll = options["upstash-header-forward"] === "true";
  for (const [name, value] of Object.entries(options)) {
    const isForwarded = name.startsWith(forwardPrefix);
    const isPlain = name === "content-type" || (isForwardingAll && isSenderHeader(name));
    if (!isForwarded && !isPlain) continue;
    const delivered = isForwarded ? name.slice(forwardPrefix.length) : name;
    assertHeader(delivered, value);
    if (isDeliverableHeader(delivered)) header[canonicalHeaderName(delivered)] = [value];
  }
  return header;
}

/** `Authorization` is the token of QStash, no header of the sender's. */
function isSenderHeader(name: string): boolean {
  return !name.startsWith("upstash-") && name !== "authorization";
}

function assertHeader(name: string, value: string): void {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new ApiError(400, `invalid header ${JSON.stringify(name)}`);
  }
}

/** `Upstash-Callback-Retries` becomes `Upstash-Retries` of the callback's own message, and is checked now, not when it fires. */
function readCallback(options: Options, prefix: string, nowMs: number): CallbackTarget | undefined {
  const destination = options[prefix];
  if (destination === undefined) return undefined;
  const own: Options = { "content-type": "application/json" };
  for (const [name, value] of Object.entries(options)) {
    if (!name.startsWith(`${prefix}-`)) continue;
    const rest = name.slice(prefix.length + 1);
    if (rest === "forward-content-type") own["content-type"] = value;
    // A callback of a callback is not part of the protocol; allowing it would allow a loop without end.
    else if (!/^(?:failure-)?callback/.test(rest)) own[`upstash-${rest}`] = value;
  }
  const url = readDestination(destination);
  readOptions(own, nowMs);
  return { url, options: own };
}

function readFlowControl(options: Options): FlowControl | undefined {
  const key = options["upstash-flow-control-key"];
  const value = options["upstash-flow-control-value"];
  if (key === undefined && value === undefined) return undefined;
  const pairs = new Map(listOf(value).map((pair) => splitPair(pair)));
  const parallelism = readCount(pairs.get("parallelism"));
  const rate = readCount(pairs.get("rate"));
  const periodMs = parseDurationMs(pairs.get("period") ?? "1s");
  if (periodMs !== undefined && periodMs > flowPeriodMsMax) throw new ApiError(400, "invalid flow control period");
  if (!key || periodMs === undefined || (parallelism === undefined && rate === undefined)) {
    throw new ApiError(400, "invalid flow control: a key and one of parallelism and rate are needed");
  }
  return {
    key,
    periodSeconds: periodMs / 1_000,
    ...(parallelism !== undefined && { parallelism }),
    ...(rate !== undefined && { rate }),
  };
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf("=");
  return [pair.slice(0, equals).trim().toLowerCase(), pair.slice(equals + 1).trim()];
}

function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ApiError(400, `invalid flow control value: ${text}`);
  return Number(text);
}

export function listOf(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function quotaExceeded(quota: string, limit: string | number, wanted: string): ApiError {
  return new ApiError(412, `quota ${quota} exceeded. Limit: ${limit}, wanted: ${wanted}`);
}
