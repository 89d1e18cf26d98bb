/** `POST /v2/publish/{destination}`, `POST /v2/enqueue/{queue}/{destination}` and `POST /v2/batch`. */
import { readItem, readItems, takeItems } from "./batch-items.ts";
import { belongsToRun, type Publish } from "./publish.ts";
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

function publishBatch(publish: Publish, { body, callerIp }: ApiRequest): ApiAnswer {
  const items = readItems(body);
  // Steps that run side by side come as one batch. If only some were taken, their run would wait for the others for ever.
  for (const item of items.filter(isOfRun)) publish.check({ ...readItem(item), callerIp });
  return { status: 201, value: takeItems(items, (item) => publish.any({ ...item, callerIp })) };
}

function isOfRun(item: unknown): boolean {
  const { headers } = (item ?? {}) as { headers?: unknown };
  if (typeof headers !== "object" || headers === null) return false;
  const names = Object.keys(headers).map((name) => [name.toLowerCase(), ""]);
  return belongsToRun(Object.fromEntries(names));
}
