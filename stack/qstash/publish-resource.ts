/** `POST /v2/publish/{destination}`, `POST /v2/enqueue/{queue}/{destination}` and `POST /v2/batch`. */
import { ApiError } from "./api-error.ts";
import { batchItemCountMax, messageBytesMax } from "./limits.ts";
import type { Publish } from "./publish.ts";
import type { Options } from "./publish-options.ts";
import { splitDestination } from "./request-destination.ts";
import type { ApiAnswer, ApiRequest, Resource } from "./route.ts";

export function createPublishResource(publish: Publish): Resource {
  return (request) => {
    if (request.method !== "POST") return undefined;
    if (request.path.startsWith("publish/")) return publishOne(publish, request, request.path.slice("publish/".length));
    const [, queueName, path] = /^enqueue\/([^/]+)\/(.+)$/s.exec(request.path) ?? [];
    if (queueName !== undefined && path !== undefined) return publishOne(publish, request, path, queueName);
    if (request.path === "batch") return publishBatch(publish, request);
    return undefined;
  };
}

function publishOne(publish: Publish, request: ApiRequest, path: string, queueName?: string): ApiAnswer {
  const { destination, options } = splitDestination(request, path);
  const value = publish.any({
    destination,
    options: { ...request.headers, ...options },
    body: request.body,
    callerIp: request.callerIp,
    ...(queueName !== undefined && { queueName }),
  });
  const isRepetition = [value].flat().every((answer) => "deduplicated" in answer);
  return { status: isRepetition ? 202 : 201, value };
}

/** Items are taken one by one; those that cannot be taken answer `{error}` at their place. */
function publishBatch(publish: Publish, request: ApiRequest): ApiAnswer {
  const items = readItems(request.body);
  const failures: ApiError[] = [];
  const value = items.map((item) => {
    try {
      return publish.any({ ...readItem(item), callerIp: request.callerIp });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures.push(error);
      return { error: error.message };
    }
  });
  const [first] = failures;
  // The Workflow SDK relies on the status of a batch of one.
  if (first !== undefined && failures.length === items.length) throw first;
  return { status: 201, value };
}

function readItems(body: Buffer): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new ApiError(400, "invalid JSON body");
  }
  if (!Array.isArray(parsed)) throw new ApiError(400, "a batch is a JSON array");
  if (parsed.length > batchItemCountMax)
    throw new ApiError(412, `quota maxBatchSize exceeded. Limit: ${batchItemCountMax}`);
  return parsed;
}

function readItem(item: unknown): { destination: string; options: Options; body: Buffer; queueName?: string } {
  const { destination, headers = {}, body = "", queue } = (item ?? {}) as Record<string, unknown>;
  if (typeof destination !== "string") throw new ApiError(400, "a batch item needs a destination");
  if (typeof body !== "string") throw new ApiError(400, "the body of a batch item is a string");
  if (queue !== undefined && typeof queue !== "string") throw new ApiError(400, "the queue of a batch item is a name");
  const bytes = Buffer.from(body);
  if (bytes.length > messageBytesMax) throw new ApiError(413, `message is too large. Limit: ${messageBytesMax} bytes`);
  return { destination, options: readHeaders(headers), body: bytes, ...(queue !== undefined && { queueName: queue }) };
}

function readHeaders(headers: unknown): Options {
  if (headers === null || typeof headers !== "object")
    throw new ApiError(400, "the headers of a batch item are an object");
  const options: Options = {};
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(", ") : value;
    if (typeof text !== "string") throw new ApiError(400, `invalid header ${JSON.stringify(name)}`);
    options[name.toLowerCase()] = text;
  }
  return options;
}
