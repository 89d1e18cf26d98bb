import type { Options } from "./publish-options.ts";
import type { ApiRequest } from "./route.ts";

/**
 * The destination at the end of a path (`path` is the rest after the collection) and the options of the query.
 * A query parameter `upstash-…` is an option and `qstash_token` the token; all others belong to the destination, untouched.
 */
export function splitDestination(request: ApiRequest, path: string): { destination: string; options: Options } {
  const options: Options = {};
  const kept: string[] = [];
  for (const part of request.rawQuery.split("&")) {
    const [[givenName, value] = ["", ""]] = new URLSearchParams(part);
    const name = givenName.toLowerCase();
    if (name.startsWith("upstash-")) options[name] = value;
    else if (name !== "qstash_token" && part !== "") kept.push(part);
  }
  const query = kept.length > 0 ? `?${kept.join("&")}` : "";
  return { destination: path + query, options };
}
