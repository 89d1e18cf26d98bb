import { ApiError } from "./api-error.ts";

/**
 * The URL to deliver to, exactly as the sender wrote it (tolerating one level of percent-encoding). Loopback and private
 * addresses are allowed, unlike in production: that is what a local server is for.
 * @throws ApiError 400 for what is no http(s) URL, 404 for a name: only publishing knows URL groups, callbacks and endpoints do not.
 */
export function readDestination(text: string): string {
  const url = /^https?%3a/i.test(text) ? decoded(text) : text;
  if (url.startsWith("api/")) throw new ApiError(400, `destination ${url} is not supported`);
  if (isGroupName(url)) throw new ApiError(404, `url group ${url} not found`);
  if (!/^https?:\/\//i.test(url)) {
    throw new ApiError(400, "invalid destination url: it must begin with http:// or https://");
  }
  if (!URL.canParse(url)) throw new ApiError(400, "invalid destination url");
  return url;
}

/** Whether the text can name a URL group; such a text is never a URL. */
export function isGroupName(text: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "invalid destination url: broken percent-encoding");
  }
}
