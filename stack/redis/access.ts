import type { IncomingHttpHeaders } from "node:http";

export type Access = "read-write" | "read-only" | "none";

export interface Tokens {
  token: string;
  readOnlyToken?: string;
}

/** By `Authorization: Bearer`, or by `?_token=` for a caller that can set no header. */
export function accessOf(headers: IncomingHttpHeaders, query: string, tokens: Tokens): Access {
  const given = bearerOf(headers.authorization) ?? new URLSearchParams(query).get("_token");
  if (given === tokens.token) return "read-write";
  return given !== null && given === tokens.readOnlyToken ? "read-only" : "none";
}

function bearerOf(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^bearer +(.*)$/i.exec(header)?.[1];
}
