/** The JSON array of a batch request: `{destination, headers, body, queue}` each. */
import { ApiError } from "./api-error.ts";
import { batchItemCountMax, messageBytesMax } from "./limits.ts";
import type { Options } from "./publish-options.ts";

export interface BatchItem {
  destination: string;
  options: Options;
  body: Buffer;
  queueName?: string;
}

/** @throws ApiError 400 or 412 for a body that is no batch; its items are looked at one by one, by readItem. */
export function readItems(body: Buffer): unknown[] {
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

/** @throws ApiError 400 or 413 */
export function readItem(item: unknown): BatchItem {
  const { destination, headers = {}, body = "", queue } = (item ?? {}) as Record<string, unknown>;
  if (typeof destination !== "string") throw new ApiError(400, "a batch item needs a destination");
  if (typeof body !== "string") throw new ApiError(400, "the body of a batch item is a string");
  if (queue !== undefined && typeof queue !== "string") throw new ApiError(400, "the queue of a batch item is a name");
  const bytes = Buffer.from(body);
  if (bytes.length > messageBytesMax) throw new ApiError(413, `message is too large. Limit: ${messageBytesMax} bytes`);
  return { destination, options: readHeaders(headers), body: bytes, ...(queue !== undefined && { queueName: queue }) };
}

/**
 * The answers of `take`, in order; an item that cannot be taken answers `{error}` at its place.
 * @throws ApiError the first refusal when no item was taken: the Workflow SDK relies on the status of a batch of one.
 */
export function takeItems(items: readonly unknown[], take: (item: BatchItem) => unknown): unknown[] {
  const failures: ApiError[] = [];
  const answers = items.map((item) => {
    try {
      return take(readItem(item));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures.push(error);
      return { error: error.message };
    }
  });
  const [first] = failures;
  if (first !== undefined && failures.length === items.length) throw first;
  return answers;
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
