/** What the resources of the API have in common: a request that has been read, an answer that has not been sent. */
import { ApiError } from "./api-error.ts";

export interface ApiRequest {
  method: string;
  /** The raw path below `/v2/`, without the query; never decoded, because destinations are not. */
  path: string;
  /** The raw query without its question mark. */
  rawQuery: string;
  query: URLSearchParams;
  /** Lower-case names, one value each. */
  headers: Record<string, string>;
  body: Buffer;
  callerIp: string;
}

export interface ApiAnswer {
  status: number;
  /** Sent as JSON; absent for an empty answer. */
  value?: unknown;
}

/** Undefined when the request is for another resource. @throws ApiError */
export type Resource = (request: ApiRequest) => ApiAnswer | undefined;

/** The id after `<collection>/`, undefined for any other path. */
export function idIn(path: string, collection: string): string | undefined {
  const prefix = `${collection}/`;
  if (!path.startsWith(prefix)) return undefined;
  const id = path.slice(prefix.length);
  return id === "" || id.includes("/") ? undefined : id;
}

/** The body as a JSON object. @throws ApiError 400 for anything else. */
export function readJsonObject(body: Buffer): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new ApiError(400, "invalid JSON body");
  }
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new ApiError(400, "the body is a JSON object");
  }
  return parsed as Record<string, unknown>;
}
