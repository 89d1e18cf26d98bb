/** `Upstash-Redact-Fields`: what the API shows of a message. Deliveries and callbacks carry the originals. Source: B.3. */
import { createHash } from "node:crypto";
import { ApiError } from "./api-error.ts";
import { canonicalHeaderName } from "./header-names.ts";
import type { HeaderLists, Redaction } from "./message.ts";

/** Reads a comma list of `body`, `header` (or `headers`) and `header[Name]`. @throws ApiError 400 for anything else. */
export function readRedaction(fields: readonly string[]): Redaction | undefined {
  if (fields.length === 0) return undefined;
  const headerNames: string[] = [];
  for (const field of fields) {
    const name = /^headers?\[([^\]]+)\]$/i.exec(field)?.[1];
    if (name !== undefined) headerNames.push(canonicalHeaderName(name.trim()));
    else if (!/^(?:body|headers?)$/i.test(field)) throw new ApiError(400, `invalid Upstash-Redact-Fields: ${field}`);
  }
  return {
    isBodyHidden: fields.some((field) => /^body$/i.test(field)),
    hiddenHeaders: fields.some((field) => /^headers?$/i.test(field)) ? "all" : headerNames,
  };
}

/** The headers as they may be shown; names stay visible. */
export function redactHeader(header: HeaderLists, redaction: Redaction | undefined): HeaderLists {
  const hidden = redaction?.hiddenHeaders ?? [];
  const isHidden = (name: string) => hidden === "all" || hidden.includes(name);
  return Object.fromEntries(
    Object.entries(header).map(([name, values]) => [name, isHidden(name) ? values.map(redacted) : values]),
  );
}

/** The same value always shows the same text, so that logs can be compared without being read. */
export function redacted(value: string | Buffer): string {
  return `REDACTED:${createHash("sha256").update(value).digest("hex")}`;
}
